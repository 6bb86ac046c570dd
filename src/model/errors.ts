// Every error code of Signalbox. A code becomes an exit code, HTTP status or gRPC status once, at the surface.

export const ERROR_CODES = {
  /** The caller asked for something malformed: an option, an id, a file. */
  INVALID_ARGUMENT: "invalid argument",
  /** A workflow file that does not say what it must; carries positions. */
  INVALID_WORKFLOW: "invalid workflow file",
  /** The instance, run or file is not there. */
  NOT_FOUND: "not found",
  /** An active instance of that id is there. */
  ALREADY_EXISTS: "already exists",
  /** The state does not allow the call, such as a purge of a running instance. */
  FAILED_PRECONDITION: "failed precondition",
  /** A payload, history or queue is over its limit. */
  LIMIT_EXCEEDED: "limit exceeded",
  /** The store is owned by another living process. */
  STORE_LOCKED: "store is locked",
  /** The store's file is damaged. */
  STORE_CORRUPT: "store is corrupt",
  /** The store cannot write: disk full, I/O error, no permission. */
  STORE_IO: "store input/output error",
  /** The store was written by a newer version. */
  STORE_NEWER: "store is newer",
  /** The store refused a batch for what is in it. */
  STORE_REFUSED: "store refused the batch",
  /** This node no longer owns what it tried to change. */
  OWNERSHIP_LOST: "ownership lost",
  /** A remote server gave no answer: it is not there, or the connection broke before. */
  UNAVAILABLE: "unavailable",
  /** A remote server wants a token, or another one. */
  UNAUTHENTICATED: "unauthenticated",
  /** The engine is stopping or stopped. */
  SHUT_DOWN: "shut down",
  /** The machine cannot do it: platform, missing program. */
  UNSUPPORTED: "unsupported",
  /** A host broke its protocol or died. */
  HOST_FAILED: "host failed",
  /** A rule of our own was broken: a bug. */
  INTERNAL: "internal error",
} as const;

export type ErrorCode = keyof typeof ERROR_CODES;

/** An error with a code from the one list. `message` is for people: what, where, why, what to do. */
export class SignalboxError extends Error {
  readonly code: ErrorCode;
  constructor(code: ErrorCode, message: string, options?: { readonly cause?: unknown }) {
    super(message, options);
    this.name = "SignalboxError";
    this.code = code;
  }
}

export function isSignalboxError(error: unknown, code?: ErrorCode): error is SignalboxError {
  return error instanceof SignalboxError && (code === undefined || error.code === code);
}
