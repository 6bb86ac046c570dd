// What processes say to a live run: one JSON line each way, and for `follow` lines until the run ends.

import type { StreamedEvent } from "../../model/run-view.ts";

export type ControlRequest =
  | { readonly op: "ping" }
  /** Cancels the run, or with `holder` the instance of it that holds a concurrency group. */
  | { readonly op: "cancel"; readonly reason: string; readonly holder?: string }
  | { readonly op: "view" }
  /** Events from now on; the answer says which `seq` comes next. */
  | { readonly op: "follow" }
  /** A group that the run waits for may have become free. */
  | { readonly op: "hint" }
  /** Nothing but an open connection: its end says that the process has ended. */
  | { readonly op: "watch" };

export type ControlAnswer<Result = unknown> = { readonly ok: Result } | { readonly error: string };

export interface ControlHandlers {
  ping(): { readonly runId: string; readonly pid: number };
  cancel(reason: string, holder: string | undefined): Promise<void>;
  view(): unknown;
  follow(listener: (event: StreamedEvent) => void): { readonly nextSeq: number; readonly stop: () => void };
  hint(): void;
}

const OPS: ReadonlySet<string> = new Set(["ping", "cancel", "view", "follow", "hint", "watch"] satisfies ControlRequest["op"][]);

/** Undefined: it is not a request. Whoever may write to the socket is the same user: a check of form is enough. */
export function parseRequest(line: string): ControlRequest | undefined {
  try {
    const value: unknown = JSON.parse(line);
    if (typeof value !== "object" || value === null || !("op" in value) || !OPS.has(String(value.op))) return undefined;
    if (value.op === "cancel" && !("reason" in value && typeof value.reason === "string")) return undefined;
    return value as ControlRequest;
  } catch {
    return undefined;
  }
}
