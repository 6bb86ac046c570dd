// One worker's stream of work, from its opening to its end: a WorkerStream towards the loop, a call of gRPC towards the worker.
// However it ends, the loop hears of it once, and whether the worker may still answer what it has (E10).

import type { WorkerHub, WorkerStream } from "../../loops/workers/worker-hub.ts";
import type { HubName } from "../../model/ids.ts";
import type { WorkFilters, WorkItem, WorkSort } from "../../model/work-item.ts";
import { HEALTH_PING } from "../../wire/work-items.ts";
import type { Connection } from "./connections.ts";
import { Outbox, type OutboxPorts } from "./outbox.ts";
import { endStream, type RawStream } from "./service.ts";
import type { CallStatus } from "./status.ts";

export interface WorkStreamOptions {
  readonly hub: HubName;
  readonly connection: Connection;
  readonly filters: WorkFilters | undefined;
  readonly credits: { readonly [Sort in WorkSort]: number };
  readonly keepsWarm: boolean;
  readonly maxBytes: number;
  readonly call: RawStream;
  readonly workers: WorkerHub;
  readonly outbox: Omit<OutboxPorts, "write">;
  /** Called once, when the stream has ended. */
  readonly ended: (stream: WorkStream, connectionLives: boolean) => void;
}

export class WorkStream implements WorkerStream {
  readonly hub: HubName;
  readonly connection: Connection;
  readonly filters?: WorkFilters;
  readonly credits: { readonly [Sort in WorkSort]: number };
  readonly keepsWarm: boolean;
  readonly #options: WorkStreamOptions;
  readonly #outbox: Outbox;
  /** `retired`: the loop sends nothing more, the worker may still answer. */
  #state: "open" | "retired" | "ended" = "open";

  constructor(options: WorkStreamOptions) {
    this.#options = options;
    this.hub = options.hub;
    this.connection = options.connection;
    if (options.filters !== undefined) this.filters = options.filters;
    this.credits = options.credits;
    this.keepsWarm = options.keepsWarm;
    const { call } = options;
    this.#outbox = new Outbox(options.maxBytes, {
      ...options.outbox,
      write: (bytes, left) =>
        void call.write(bytes, (error?: Error | null) => {
          if (!error) left();
        }),
    });
    call.once("cancelled", () => this.#ended());
    call.once("close", () => this.#ended());
  }

  open(): void {
    this.#options.workers.opened(this);
    if (this.#options.call.cancelled) this.#ended();
  }

  send(item: WorkItem): void {
    this.#outbox.push(item);
  }

  /** True if the worker has taken nothing since that moment although something waits for it. */
  isStuckSince(moment: number): boolean {
    return this.#outbox.isBusy && this.#outbox.movedAt <= moment;
  }

  /** A ping, if nothing was sent since that moment. */
  pingIfIdleSince(moment: number): void {
    if (this.#state === "open" && !this.#outbox.isBusy && this.#outbox.movedAt <= moment) this.#outbox.send(HEALTH_PING);
  }

  /** The worker gets nothing more; what it has it may still answer. */
  retire(): void {
    if (this.#state !== "open") return;
    this.#state = "retired";
    this.#options.workers.closed(this, this.connection.isAlive);
  }

  end(status: CallStatus): void {
    this.#ended();
    endStream(this.#options.call, status);
  }

  /** A stream that takes nothing does not take its end either: its connection goes. */
  cut(): void {
    this.connection.destroy();
    this.#ended();
  }

  #ended(): void {
    if (this.#state === "ended") return;
    const { isAlive } = this.connection;
    if (this.#state === "open") this.#options.workers.closed(this, isAlive);
    this.#state = "ended";
    this.#outbox.close();
    this.#options.ended(this, isAlive);
  }
}
