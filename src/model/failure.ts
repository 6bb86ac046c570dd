import type { JsonValue } from "./payload.ts";

/** A failure as data: crosses processes unchanged and stays in history. */
export interface Failure {
  /** The kind of failure, as programs compare it: an error's class name or code. */
  readonly type: string;
  readonly message: string;
  readonly stack?: string;
  readonly cause?: Failure;
  /** Retries stop here, whatever the retry policy says. */
  readonly isNonRetriable?: boolean;
  readonly properties?: { readonly [key: string]: JsonValue };
}
