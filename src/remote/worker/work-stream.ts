// The stream over which a server sends work: opened again and again with growing pauses, until the worker is closed or the
// server says that it will never work.

import { status } from "@grpc/grpc-js";
import type { SignalboxError } from "../../model/errors.ts";
import type { WorkFilters } from "../../model/work-item.ts";
import { filtersToWire } from "../../wire/filters.ts";
import { TaskHubSidecarService, WorkerCapability, type WorkItem } from "../../wire/generated/durable_task_pb.ts";
import type { Connection, OpenStream } from "../connection.ts";
import { type Pauses, pause, pauseMs } from "../pauses.ts";
import type { RemoteEnvironment } from "../remote-environment.ts";
import { RpcError, signalboxError } from "../rpc-error.ts";
import type { WorkerEvent } from "./worker-event.ts";
import type { WorkerLimits } from "./worker-options.ts";

const { method } = TaskHubSidecarService;
const PAUSES: Pauses = { firstMs: 100, maxMs: 10_000 };
const HELLO_MS = 10_000;
/** A server that sends health pings and then is silent for this long is gone, whatever the connection says. */
const SILENCE_MS = 120_000;
/** Delta turns, as docs/durable-task.md describes them: a server that knows them answers with the same. */
const DELTA_TURNS = "signalbox-delta-turns";

/** One stream, for as long as it is open. */
export interface Session {
  /** Ours: sends warm instances only what is new, and keeps activities' options itself. */
  deltaTurns: boolean;
  isOpen: boolean;
}

export interface WorkStreamPorts {
  readonly connection: Connection;
  readonly environment: RemoteEnvironment;
  readonly limits: WorkerLimits;
  readonly filters: Required<WorkFilters>;
  readonly received: (item: WorkItem, bytes: number, session: Session) => void;
  readonly closed: (session: Session) => void;
  readonly onEvent: (event: WorkerEvent) => void;
}

export class WorkStream {
  readonly #ports: WorkStreamPorts;
  readonly #closing = new AbortController();
  #hasWorked = false;

  constructor(ports: WorkStreamPorts) {
    this.#ports = ports;
  }

  /** Until `close`; answers the error that ends it for good. */
  async run(): Promise<SignalboxError | undefined> {
    const { connection, environment, onEvent } = this.#ports;
    const { signal } = this.#closing;
    for (let failures = 0; !signal.aborted; ) {
      const startedAt = environment.clock.monotonic();
      const error = await this.#attempt();
      if (signal.aborted) return undefined;
      if (error !== undefined && !this.#hasWorked && isFinal(error)) return signalboxError(error, connection.address);
      // One that has held for a while was a good one.
      failures = environment.clock.monotonic() - startedAt > PAUSES.maxMs ? 1 : failures + 1;
      const retryInMs = pauseMs(PAUSES, failures, environment.random);
      const reason = error?.message ?? "the server has closed the stream.";
      onEvent({ kind: "disconnected", address: connection.address, reason, retryInMs });
      await pause(environment, retryInMs, signal);
    }
    return undefined;
  }

  /** The stream ends; the connection stays for what is still to be reported. */
  close(): void {
    this.#closing.abort();
  }

  async #attempt(): Promise<RpcError | undefined> {
    const { connection } = this.#ports;
    const { signal } = this.#closing;
    try {
      await connection.call(method.hello, {}, { timeoutMs: HELLO_MS, signal });
      return await this.#stream(signal);
    } catch (error) {
      if (error instanceof RpcError || signal.aborted) return error instanceof RpcError ? error : undefined;
      throw error;
    }
  }

  #stream(signal: AbortSignal): Promise<RpcError | undefined> {
    const { connection, environment, limits, filters, received, closed, onEvent } = this.#ports;
    const session: Session = { deltaTurns: false, isOpen: true };
    const request = {
      maxConcurrentOrchestrationWorkItems: limits.maxConcurrentTurns,
      maxConcurrentActivityWorkItems: limits.maxConcurrentActivities,
      maxConcurrentEntityWorkItems: limits.maxConcurrentEntities,
      capabilities: [WorkerCapability.HISTORY_STREAMING],
      workItemFilters: filtersToWire(filters),
    };
    return new Promise((resolve) => {
      const silence = new Silence(environment, () => stream.cancel());
      const stream: OpenStream = connection.stream(
        method.getWorkItems,
        request,
        {
          opened: (metadata) => {
            this.#hasWorked = true;
            session.deltaTurns = metadata.get(DELTA_TURNS).length > 0;
            onEvent({ kind: "connected", address: connection.address, deltaTurns: session.deltaTurns });
          },
          received: (item, bytes) => {
            silence.broken(item.request.case === "healthPing");
            received(item, bytes, session);
          },
          ended: (error) => {
            silence.end();
            signal.removeEventListener("abort", stream.cancel);
            session.isOpen = false;
            closed(session);
            resolve(error);
          },
        },
        { metadata: { [DELTA_TURNS]: "1" } },
      );
      signal.addEventListener("abort", stream.cancel, { once: true });
    });
  }
}

/** Watches over a stream whose server sends health pings. */
class Silence {
  readonly #environment: RemoteEnvironment;
  readonly #tooLong: () => void;
  #heardAt = 0;
  #cancel: (() => void) | undefined;

  constructor(environment: RemoteEnvironment, tooLong: () => void) {
    this.#environment = environment;
    this.#tooLong = tooLong;
  }

  broken(byPing: boolean): void {
    this.#heardAt = this.#environment.clock.monotonic();
    if (byPing && this.#cancel === undefined) this.#watch(SILENCE_MS);
  }

  end(): void {
    this.#cancel?.();
  }

  /** One timer, which looks whether there was something since. */
  #watch(delayMs: number): void {
    const { clock } = this.#environment;
    this.#cancel = clock.setTimer(delayMs, () => {
      const leftMs = this.#heardAt + SILENCE_MS - clock.monotonic();
      if (leftMs <= 0) this.#tooLong();
      else this.#watch(leftMs);
    });
  }
}

/** Another try would end the same way: the token is wrong, or this is no such server. */
function isFinal({ status: code }: RpcError): boolean {
  return (
    code === status.UNAUTHENTICATED ||
    code === status.PERMISSION_DENIED ||
    code === status.UNIMPLEMENTED ||
    code === status.INVALID_ARGUMENT
  );
}
