// Calls of clients whose connections break: made again until they are answered, as clients do.

import { setTimeout as pause } from "node:timers/promises";
import { status } from "@grpc/grpc-js";

/** What a client sees of a broken connection, and of a server that is going or not there yet. */
const TRANSIENT: ReadonlySet<unknown> = new Set([
  status.UNAVAILABLE,
  status.CANCELLED,
  status.INTERNAL,
  status.UNKNOWN,
  // The server has lost its ownership, or its store.
  status.ABORTED,
]);

export async function persist<T>(call: () => Promise<T>, withinMs = 60_000): Promise<T> {
  const end = performance.now() + withinMs;
  for (;;) {
    try {
      return await call();
    } catch (error) {
      if (!TRANSIENT.has(codeOf(error)) || performance.now() > end) throw error;
    }
    await pause(20);
  }
}

export function codeOf(error: unknown): unknown {
  return error instanceof Error && "code" in error ? error.code : undefined;
}
