// The official packages, loaded on first use: they cost more than the rest of the command's start. Everything else in
// this folder gets them from here, so nothing outside ever waits for them without need.

import { SignalboxError } from "../model/errors.ts";
import type * as evaluationModule from "./evaluation-package.ts";
import type * as parsingModule from "./parsing-package.ts";

export type EvaluationPackage = typeof evaluationModule;
export type ParsingPackage = typeof parsingModule;

let evaluation: EvaluationPackage | undefined;

/** Must have been awaited once before anything is evaluated: evaluation itself is synchronous. */
export async function loadExpressions(): Promise<void> {
  evaluation ??= await import("./evaluation-package.ts");
}

export function evaluationPackage(): EvaluationPackage {
  if (evaluation === undefined) {
    throw new SignalboxError("INTERNAL", "An expression was evaluated before loadExpressions() had ended.");
  }
  return evaluation;
}

export async function loadParsing(): Promise<ParsingPackage> {
  const [parsing] = await Promise.all([import("./parsing-package.ts"), loadExpressions()]);
  return parsing;
}
