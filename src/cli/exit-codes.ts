// Error codes become exit codes here, once.

import { type ErrorCode, isSignalboxError } from "../model/errors.ts";
import type { CommandContext } from "./command-context.ts";

export const EXIT = {
  success: 0,
  failed: 1,
  usage: 2,
  cancelled: 3,
  waiting: 4,
  fault: 5,
  interrupted: 130,
} as const;

const USAGE: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  "INVALID_ARGUMENT",
  "INVALID_WORKFLOW",
  "NOT_FOUND",
  "ALREADY_EXISTS",
  "FAILED_PRECONDITION",
  "UNSUPPORTED",
  "UNAUTHENTICATED",
]);

export function exitCodeOf(error: unknown): number {
  return isSignalboxError(error) && USAGE.has(error.code) ? EXIT.usage : EXIT.fault;
}

/** What a person is told of an error that ends a command; answers the exit code. */
export function reportError(error: unknown, { terminal, environment }: Pick<CommandContext, "terminal" | "environment">): number {
  terminal.writeError(`${describeError(error, environment["SIGNALBOX_DEBUG"] === "1")}\n`);
  return exitCodeOf(error);
}

/** What a person is told of an error; the stack is for who asks with SIGNALBOX_DEBUG=1. */
export function describeError(error: unknown, isDebugging: boolean): string {
  if (isDebugging && error instanceof Error) return `signalbox: ${error.stack ?? error.message}`;
  if (isSignalboxError(error) && error.code !== "INTERNAL") return `signalbox: ${error.message}`;
  const message = error instanceof Error ? error.message : String(error);
  return `signalbox: ${message}\nThis is a fault of Signalbox or of the machine, not of the workflow. SIGNALBOX_DEBUG=1 shows where it happened; what a run has recorded is kept.`;
}
