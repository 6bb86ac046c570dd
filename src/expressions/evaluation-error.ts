import { SignalboxError } from "../model/errors.ts";
import type { SourcePosition } from "../model/template.ts";

/** An expression that cannot be evaluated, or gives what does not fit where it stands. The message is for people. */
export class EvaluationError extends SignalboxError {
  readonly at: SourcePosition | undefined;
  readonly expression: string | undefined;

  constructor(message: string, where: { readonly at?: SourcePosition | undefined; readonly expression?: string }, cause?: unknown) {
    super("INVALID_WORKFLOW", message, { cause });
    this.name = "EvaluationError";
    this.at = where.at;
    this.expression = where.expression;
  }
}

export function isEvaluationError(error: unknown): error is EvaluationError {
  return error instanceof EvaluationError;
}
