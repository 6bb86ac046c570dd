// The face of the loop towards workers out of process: streams that open and close, items that go out, answers that come in.

import type { HubName } from "../../model/ids.ts";
import type { Completion, CompletionToken, WorkFilters, WorkItem, WorkSort } from "./work-item.ts";

export type { WorkFilters } from "./work-item.ts";

/** One worker's open stream, as its server made it. */
export interface WorkerStream {
  readonly hub: HubName;
  /** The connection it came over: a stream that ends while its connection lives belongs to a worker that drains (E10). */
  readonly connection: object;
  readonly filters?: WorkFilters;
  /** How many items of each sort may be with the worker at once. */
  readonly credits: { readonly [Sort in WorkSort]: number };
  /** Takes delta turns: turns of an instance that it holds warm come without history. */
  readonly keepsWarm: boolean;
  /** Hands an item to the stream's own outbox; never throws, never waits. A failed send closes the stream. */
  send(item: WorkItem): void;
}

export interface WorkerHub {
  /** From now on items may be sent. Any number of streams, any number from one worker (E10). */
  opened(stream: WorkerStream): void;
  /** `connectionLives`: the worker may still complete what it has, within the drain times of E10. Else its items go back at once. */
  closed(stream: WorkerStream, connectionLives: boolean): void;
  /** The connection of streams that were draining is gone too. */
  disconnected(connection: object): void;
  /**
   * Resolves after the commit, and at once for a stale or repeated token (E5). Rejects with INVALID_ARGUMENT for a token that
   * is not one of ours or a result that makes no sense (the item is then tried again, with growing pauses).
   */
  complete(token: CompletionToken, completion: Completion, from?: object): Promise<void>;
  /** The worker gives the item back; it is tried again, with growing pauses, and stalls its instance in the end. */
  /** `reason`: as the worker tells it; shown where its instance stalls in the end. */
  abandon(token: CompletionToken, reason?: string, from?: object): Promise<void>;
  /** For metrics and `instances` commands. */
  readonly stats: () => {
    readonly streams: number;
    readonly inFlight: { readonly [Sort in WorkSort]: number };
    readonly queued: { readonly [Sort in WorkSort]: number };
  };
}
