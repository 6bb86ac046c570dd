// A worker that answers what the test tells it to, of whatever kind.

import type { MessageInitShape } from "@bufbuild/protobuf";
import { TestClient, type TestStream } from "../../../src/server/grpc/server-fixture.ts";
import type {
  ActivityRequest,
  EntityBatchRequest,
  HistoryEvent,
  OrchestratorActionSchema,
  OrchestratorRequest,
  WorkItem,
} from "../../../src/wire/generated/durable_task_pb.ts";

export type Actions = MessageInitShape<typeof OrchestratorActionSchema>[];

export interface Turn extends OrchestratorRequest {
  readonly token: string;
}

export interface Activity extends ActivityRequest {
  readonly token: string;
}

export interface Entity extends EntityBatchRequest {
  readonly token: string;
}

export class RawWorker implements AsyncDisposable {
  readonly client: TestClient;
  readonly #stream: TestStream<WorkItem>;

  private constructor(client: TestClient, stream: TestStream<WorkItem>) {
    this.client = client;
    this.#stream = stream;
  }

  static async connect(port: number, hub: string): Promise<RawWorker> {
    const client = new TestClient(port, { hub });
    const stream = client.stream("getWorkItems", {});
    await stream.metadata;
    return new RawWorker(client, stream);
  }

  async turn(): Promise<Turn> {
    for (;;) {
      const { request, completionToken: token } = await this.#stream.next();
      if (request.case === "orchestratorRequest") return { ...request.value, token };
    }
  }

  async activity(): Promise<Activity> {
    for (;;) {
      const { request, completionToken: token } = await this.#stream.next();
      if (request.case === "activityRequest") return { ...request.value, token };
    }
  }

  async entity(): Promise<Entity> {
    for (;;) {
      const { request, completionToken: token } = await this.#stream.next();
      if (request.case === "entityRequest") return { ...request.value, token };
    }
  }

  async answer({ instanceId, token }: Pick<Turn, "instanceId" | "token">, actions: Actions): Promise<void> {
    await this.client.call("completeOrchestratorTask", { instanceId, completionToken: token, actions });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stream.cancel();
    this.client.close();
  }
}

/** The kinds of the events, without the turn's beginning. */
export function kindsOf(events: readonly HistoryEvent[]): readonly (string | undefined)[] {
  return events.map(({ eventType }) => eventType.case).filter((kind) => kind !== "orchestratorStarted");
}
