// Brings answers to the server. A lost connection does not lose them: they are sent again, on whatever connection there is then;
// the token tells the server which answers it has had (E5). Items that cannot be answered are given back.

import type { DescMessage, MessageInitShape } from "@bufbuild/protobuf";
import type { CompletionToken, WorkSort } from "../../model/work-item.ts";
import { TaskHubSidecarService } from "../../wire/generated/durable_task_pb.ts";
import type { Connection, Method } from "../connection.ts";
import type { RemoteEnvironment } from "../remote-environment.ts";
import { repeatWhileLost } from "../repeat-while-lost.ts";
import { RpcError } from "../rpc-error.ts";
import type { WorkerEvent } from "./worker-event.ts";

const { method } = TaskHubSidecarService;
/** For how long an answer is kept for a server that is away. */
const AWAY_MS = 5 * 60_000;
const ANSWER_MS = 60_000;
/** Why an item is given back: the protocol has no field for it. */
const REASON = "signalbox-reason-bin";
/** Metadata is bounded. */
const MAX_REASON_LENGTH = 2_000;

/** Whose answer it is. */
export interface Subject {
  readonly sort: WorkSort;
  readonly instanceId: string;
  readonly token: CompletionToken;
}

export interface ReporterPorts {
  readonly connection: Connection;
  readonly environment: RemoteEnvironment;
  readonly onEvent: (event: WorkerEvent) => void;
  /** Nothing is sent again from then on. */
  readonly signal: AbortSignal;
}

const ABANDON = {
  orchestration: method.abandonTaskOrchestratorWorkItem,
  activity: method.abandonTaskActivityWorkItem,
  entity: method.abandonTaskEntityWorkItem,
} as const;

export class Reporter {
  readonly #ports: ReporterPorts;

  constructor(ports: ReporterPorts) {
    this.#ports = ports;
  }

  /** True if the server took the answer; an item whose answer it refuses is given back. Never rejects. */
  async report<Input extends DescMessage, Output extends DescMessage>(
    subject: Subject,
    complete: Method<"unary", Input, Output>,
    answer: MessageInitShape<Input>,
  ): Promise<boolean> {
    try {
      await this.#send(complete, answer);
      return true;
    } catch (error) {
      const { sort, instanceId } = subject;
      if (error instanceof RpcError && !error.isLost) await this.abandon(subject, `The answer is refused: ${error.details}`);
      else this.#ports.onEvent({ kind: "unreported", sort, instanceId, reason: messageOf(error) });
      return false;
    }
  }

  /** Never rejects. */
  async abandon({ sort, instanceId, token }: Subject, reason: string): Promise<void> {
    this.#ports.onEvent({ kind: "abandoned", sort, instanceId, reason });
    try {
      const metadata = { [REASON]: Buffer.from(reason.slice(0, MAX_REASON_LENGTH)) };
      await this.#send<DescMessage, DescMessage>(ABANDON[sort], { completionToken: token }, metadata);
    } catch (error) {
      this.#ports.onEvent({ kind: "unreported", sort, instanceId, reason: messageOf(error) });
    }
  }

  async #send<Input extends DescMessage, Output extends DescMessage>(
    call: Method<"unary", Input, Output>,
    request: MessageInitShape<Input>,
    metadata: Readonly<Record<string, Buffer>> = {},
  ): Promise<void> {
    const { connection, environment, signal } = this.#ports;
    await repeatWhileLost(environment, { awayMs: AWAY_MS, signal }, () =>
      connection.call(call, request, { metadata, timeoutMs: ANSWER_MS, signal }),
    );
  }
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
