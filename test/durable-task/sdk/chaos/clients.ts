// Clients that send each call to the next node, and the same call to the one after it when nobody answers: in the end all calls
// have been made, and some of them more than once.

import { status } from "@grpc/grpc-js";
import type { TaskHubGrpcClient } from "@microsoft/durabletask-js";
import { TestClient } from "../../../../src/server/grpc/server-fixture.ts";
import { codeOf, persist } from "../persist.ts";
import { leave, sdkClient } from "../sdk.ts";

/** What has not ended that long after the last blow never will. */
const STUCK_MS = 60_000;
const SLICE_MS = 2_000;

export class RoundRobin implements Disposable {
  readonly #clients: readonly { readonly sdk: TaskHubGrpcClient; readonly raw: TestClient }[];
  readonly #patienceMs: number;
  #calls = 0;

  constructor(ports: readonly number[], hub: string, patienceMs: number) {
    this.#clients = ports.map((port) => ({ sdk: sdkClient({ address: `127.0.0.1:${port}`, hub }), raw: new TestClient(port, { hub }) }));
    this.#patienceMs = patienceMs;
  }

  /** Answers after how many attempts. */
  async call(call: (sdk: TaskHubGrpcClient, raw: TestClient) => Promise<unknown>): Promise<number> {
    let attempts = 0;
    await this.ask((sdk, raw) => {
      attempts += 1;
      return call(sdk, raw);
    });
    return attempts;
  }

  ask<T>(call: (sdk: TaskHubGrpcClient, raw: TestClient) => Promise<T>): Promise<T> {
    return persist(() => {
      const client = this.#clients[this.#calls++ % this.#clients.length];
      if (client === undefined) throw new Error("there is no node");
      return call(client.sdk, client.raw);
    }, this.#patienceMs);
  }

  /** A repeated start finds its own instance, which must not be replaced even if it has ended by now. */
  async start(instanceId: string, name: string, input: unknown): Promise<void> {
    const request = { instanceId, name, input: JSON.stringify(input), orchestrationIdReusePolicy: {} };
    await this.call((_, raw) => unless(status.ALREADY_EXISTS, raw.call("startInstance", request)));
  }

  /** With a key, however often it is sent it arrives once. */
  async raise(instanceId: string, name: string, input: unknown, idempotencyKey?: string): Promise<void> {
    const request = { instanceId, name, input: JSON.stringify(input) };
    const metadata: Record<string, string> = idempotencyKey === undefined ? {} : { "idempotency-key": idempotencyKey };
    await this.call((_, raw) => unlessEnded(raw.call("raiseEvent", request, { metadata })));
  }

  async signal(instanceId: string, name: string, input: unknown, requestId: string): Promise<void> {
    await this.call((_, raw) => raw.call("signalEntity", { instanceId, name, input: JSON.stringify(input), requestId }));
  }

  /** Answers whether an attempt of which nothing was heard may still come, and be the last word. */
  async suspend(id: string): Promise<boolean> {
    return (await this.call((sdk) => unlessEnded(sdk.suspendOrchestration(id)))) > 1;
  }

  async resume(id: string): Promise<void> {
    await this.call((sdk) => unlessEnded(sdk.resumeOrchestration(id)));
  }

  /** One that does not end is shown as it is. `isStillToResume`: what `suspend` answered. */
  async end(id: string, isQuiet: () => boolean, isStillToResume: boolean): Promise<void> {
    let quietSince: number | undefined;
    while (!(await this.ask((_, raw) => endsWithin(raw, id, SLICE_MS)))) {
      if (isStillToResume) await this.resume(id);
      if (!isQuiet()) continue;
      quietSince ??= performance.now();
      if (performance.now() - quietSince > STUCK_MS) throw new Error(`${id} does not end:\n${await this.#shown(id)}`);
    }
  }

  async #shown(id: string): Promise<string> {
    const state = await this.ask((sdk) => sdk.getOrchestrationState(id));
    const history = await this.ask((sdk) => sdk.getOrchestrationHistory(id));
    return [state, ...history].map((each) => JSON.stringify(each)).join("\n");
  }

  [Symbol.dispose](): void {
    for (const { sdk, raw } of this.#clients) {
      leave(sdk);
      raw.close();
    }
  }
}

async function endsWithin(raw: TestClient, instanceId: string, deadlineMs: number): Promise<boolean> {
  try {
    const { exists } = await raw.call("waitForInstanceCompletion", { instanceId }, { deadlineMs });
    if (!exists) throw new Error(`${instanceId} is gone`);
    return true;
  } catch (error) {
    if (codeOf(error) !== status.DEADLINE_EXCEEDED) throw error;
    return false;
  }
}

/** A call that is made again may find that the first one, which was never answered, has led to the instance's end. */
const unlessEnded = (call: Promise<unknown>): Promise<void> => unless(status.FAILED_PRECONDITION, call);

async function unless(code: status, call: Promise<unknown>): Promise<void> {
  try {
    await call;
  } catch (error) {
    if (codeOf(error) !== code) throw error;
  }
}
