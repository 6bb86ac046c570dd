// What a call came back with, and what callers are told of it: gRPC statuses become error codes here, once.

import { status } from "@grpc/grpc-js";
import { ERROR_CODES, type ErrorCode, SignalboxError } from "../model/errors.ts";

const CODES: Readonly<Record<status, ErrorCode>> = {
  [status.OK]: "INTERNAL",
  [status.CANCELLED]: "UNAVAILABLE",
  [status.UNKNOWN]: "INTERNAL",
  [status.INVALID_ARGUMENT]: "INVALID_ARGUMENT",
  [status.DEADLINE_EXCEEDED]: "UNAVAILABLE",
  [status.NOT_FOUND]: "NOT_FOUND",
  [status.ALREADY_EXISTS]: "ALREADY_EXISTS",
  [status.PERMISSION_DENIED]: "UNAUTHENTICATED",
  [status.RESOURCE_EXHAUSTED]: "LIMIT_EXCEEDED",
  [status.FAILED_PRECONDITION]: "FAILED_PRECONDITION",
  [status.ABORTED]: "OWNERSHIP_LOST",
  [status.OUT_OF_RANGE]: "INVALID_ARGUMENT",
  [status.UNIMPLEMENTED]: "UNSUPPORTED",
  [status.INTERNAL]: "INTERNAL",
  [status.UNAVAILABLE]: "UNAVAILABLE",
  [status.DATA_LOSS]: "STORE_CORRUPT",
  [status.UNAUTHENTICATED]: "UNAUTHENTICATED",
};

/** A call that was not answered with OK. */
export class RpcError extends Error {
  readonly status: status;
  readonly details: string;
  constructor(method: string, code: status, details: string) {
    super(`${method}: ${status[code]} ${details}`);
    this.name = "RpcError";
    this.status = code;
    this.details = details;
  }

  /**
   * The connection broke, or there was none: whether the server took the call is not known. A reset of the stream alone that
   * nobody here asked for is the same to the caller.
   */
  get isLost(): boolean {
    if (this.status === status.INTERNAL) return this.details.includes("RST_STREAM");
    return this.status === status.UNAVAILABLE || this.status === status.CANCELLED;
  }
}

export const isLost = (error: unknown): boolean => error instanceof RpcError && error.isLost;

/** As callers see it; `address` says whom we spoke to where nobody answered. */
export function signalboxError(error: RpcError, address: string): SignalboxError {
  const code = error.isLost ? "UNAVAILABLE" : CODES[error.status];
  if (code !== "UNAVAILABLE") return new SignalboxError(code, error.details || ERROR_CODES[code], { cause: error });
  const why = error.details || status[error.status];
  return new SignalboxError(code, `The server at ${address} gave no answer: ${why}. Is it running there?`, { cause: error });
}
