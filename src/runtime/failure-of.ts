// A thrown value as data. Bounded, because it goes into history: a stack or a chain of causes has no natural end.

import type { Failure } from "../model/failure.ts";
import { isActivityError, isChildError, isEntityError } from "./errors.ts";

const MAX_CAUSES = 8;
const MAX_MESSAGE_LENGTH = 64 * 1024;
const MAX_STACK_LENGTH = 8 * 1024;

export function failureOf(thrown: unknown, depth = 0): Failure {
  if (!(thrown instanceof Error)) return { type: thrown === null ? "null" : typeof thrown, message: describe(thrown) };
  const cause = causeOf(thrown, depth);
  return {
    type: thrown.name || "Error",
    // Whatever its type says, anything may have been assigned to it.
    message: describe(thrown.message),
    ...(typeof thrown.stack === "string" && { stack: thrown.stack.slice(0, MAX_STACK_LENGTH) }),
    ...(cause !== undefined && { cause }),
    ...("isNonRetriable" in thrown && thrown.isNonRetriable === true && { isNonRetriable: true }),
  };
}

function causeOf(error: Error, depth: number): Failure | undefined {
  if (isActivityError(error) || isChildError(error) || isEntityError(error)) return error.failure;
  return error.cause === undefined || depth >= MAX_CAUSES ? undefined : failureOf(error.cause, depth + 1);
}

function describe(value: unknown): string {
  try {
    return String(value).slice(0, MAX_MESSAGE_LENGTH);
  } catch {
    return "a value that cannot be shown";
  }
}
