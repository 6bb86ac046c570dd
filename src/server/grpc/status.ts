// Errors become statuses of gRPC here and nowhere else.
//
// Clients repeat a call that was answered UNAVAILABLE. So that status is only for calls of which nothing can have been committed:
// SHUT_DOWN is refused at the door. A call whose commit may or may not have landed ends with another code (OWNERSHIP_LOST,
// STORE_IO), which no client repeats by itself.

import { status as Status } from "@grpc/grpc-js";
import { type ErrorCode, SignalboxError } from "../../model/errors.ts";

export { Status };

const STATUS_OF_CODE = {
  INVALID_ARGUMENT: Status.INVALID_ARGUMENT,
  INVALID_WORKFLOW: Status.INVALID_ARGUMENT,
  NOT_FOUND: Status.NOT_FOUND,
  ALREADY_EXISTS: Status.ALREADY_EXISTS,
  FAILED_PRECONDITION: Status.FAILED_PRECONDITION,
  LIMIT_EXCEEDED: Status.RESOURCE_EXHAUSTED,
  STORE_LOCKED: Status.FAILED_PRECONDITION,
  STORE_CORRUPT: Status.DATA_LOSS,
  STORE_IO: Status.INTERNAL,
  STORE_NEWER: Status.FAILED_PRECONDITION,
  STORE_REFUSED: Status.INTERNAL,
  OWNERSHIP_LOST: Status.ABORTED,
  UNAVAILABLE: Status.UNAVAILABLE,
  UNAUTHENTICATED: Status.UNAUTHENTICATED,
  SHUT_DOWN: Status.UNAVAILABLE,
  UNSUPPORTED: Status.UNIMPLEMENTED,
  HOST_FAILED: Status.INTERNAL,
  INTERNAL: Status.INTERNAL,
} as const satisfies Record<ErrorCode, Status>;

/** Details travel in a header, which is small. */
const MAX_DETAILS = 2_000;

export interface CallStatus {
  readonly code: Status;
  readonly details: string;
}

/** The status of a refusal; undefined for what is no refusal but a bug. */
export function statusOf(error: unknown): CallStatus | undefined {
  return error instanceof SignalboxError ? { code: STATUS_OF_CODE[error.code], details: headerText(error.message) } : undefined;
}

/** What a caller is told of a bug. */
export const BROKEN: CallStatus = { code: Status.INTERNAL, details: "The server failed on this call. Its log says why." };

function headerText(text: string): string {
  const short = text.length <= MAX_DETAILS ? text : `${text.slice(0, MAX_DETAILS)}... (${text.length} characters)`;
  return short.toWellFormed();
}
