// Clients and workers that flood, lie and talk nonsense: refused with a status, and nobody else notices.

import { readFile } from "node:fs/promises";
import { status } from "@grpc/grpc-js";
import type { OrchestrationContext } from "@microsoft/durabletask-js";
import { expect, test } from "vitest";
import { statusOfCall, TestClient } from "../../../src/server/grpc/server-fixture.ts";
import { OrchestrationStatus } from "../../../src/wire/generated/durable_task_pb.ts";
import { type Actions, kindsOf, RawWorker } from "./raw-worker.ts";
import { sharedServer } from "./shared-server.ts";

const server = sharedServer({ workers: { firstPauseMs: 10, maxPauseMs: 20, maxTries: 1_000 } });

const requests = Number(process.env["SIGNALBOX_TINY_REQUESTS"] ?? 100_000);
/** Calls on their way at once, on each of the connections. */
const WINDOW = 500;

const steps = {
  orchestrators: {
    async *steps(ctx: OrchestrationContext, start: number) {
      let value = start;
      for (let step = 0; step < 5; step += 1) value = yield ctx.callActivity("increment", value);
      return value;
    },
  },
  activities: { increment: (_: unknown, value: number) => value + 1 },
};

test(
  `${requests.toLocaleString("en")} tiny requests are all answered, and another hub works on meanwhile`,
  async () => {
    await using calm = await server.connect(steps);
    const clients = [0, 1].map(() => new TestClient(server.port, { hub: "flooded" }));
    const statuses = new Map<number, number>();
    const nonsense = Buffer.from([0xff]);
    const empty = Buffer.alloc(0);
    // An empty request asks for the instance "", which is not there; the other one cannot be read.
    const kinds = [
      ["getInstance", empty],
      ["raiseEvent", empty],
      ["getInstance", nonsense],
      ["completeActivityTask", empty],
    ] as const;
    let sent = 0;
    const flood = async (client: TestClient): Promise<void> => {
      while (sent < requests) {
        const [name, bytes] = kinds[sent++ % kinds.length] ?? kinds[0];
        let code: number = status.OK;
        try {
          await client.callBytes(name, bytes);
        } catch (error) {
          ({ code } = error as { code: number });
        }
        statuses.set(code, (statuses.get(code) ?? 0) + 1);
      }
    };
    const floods = clients.flatMap((client) => Array.from({ length: WINDOW }, () => flood(client)));
    let done = 0;
    const over = new AbortController();
    const work = async (): Promise<void> => {
      while (!over.signal.aborted) {
        const id = await calm.client.scheduleNewOrchestration("steps", done);
        expect(await calm.client.waitForOrchestrationCompletion(id)).toMatchObject({ serializedOutput: `${done + 5}` });
        done += 1;
      }
    };
    const working = work();
    await Promise.all(floods);
    over.abort();
    await working;
    for (const client of clients) client.close();
    expect(done).toBeGreaterThan(requests / 20_000);
    expect([...statuses.values()].reduce((sum, count) => sum + count, 0)).toBe(requests);
    const refusals = [status.OK, status.NOT_FOUND, status.INVALID_ARGUMENT, status.INTERNAL];
    expect([...statuses.keys()].filter((code) => !refusals.includes(code))).toEqual([]);
    if (process.platform === "linux") expect(await residentMb(server.pid)).toBeLessThan(500);
  },
  60_000 + requests,
);

async function residentMb(pid: number | undefined): Promise<number> {
  const pages = Number((await readFile(`/proc/${pid}/statm`, "utf8")).split(" ")[1]);
  return (pages * 4_096) / 2 ** 20;
}

const task = (id: number, name = "a"): Actions[number] => ({ id, orchestratorActionType: { case: "scheduleTask", value: { name } } });
const end = (id: number, result?: string): Actions[number] => ({
  id,
  orchestratorActionType: {
    case: "completeOrchestration",
    value: { orchestrationStatus: OrchestrationStatus.COMPLETED, ...(result !== undefined && { result }) },
  },
});

test("an SDK that counts its actions from 0 is served like any other", async () => {
  const hub = "from 0";
  await using worker = await RawWorker.connect(server.port, hub);
  await worker.client.call("startInstance", { instanceId: "zero", name: "zero" });
  const first = await worker.turn();
  await worker.answer(first, [task(0)]);
  const activity = await worker.activity();
  expect(activity.taskId).toBe(0);
  await worker.client.call("completeActivityTask", { instanceId: "zero", taskId: 0, result: "1", completionToken: activity.token });
  const second = await worker.turn();
  expect(kindsOf(second.newEvents)).toEqual(["taskCompleted"]);
  await worker.answer(second, [{ id: 1, orchestratorActionType: { case: "createTimer", value: { fireAt: { seconds: 0n, nanos: 0 } } } }]);
  const third = await worker.turn();
  expect(kindsOf(third.pastEvents)).toEqual(["executionStarted", "taskScheduled", "taskCompleted", "timerCreated"]);
  expect(kindsOf(third.newEvents)).toEqual(["timerFired"]);
  await worker.answer(third, [end(-1, '"done"')]);
  const { orchestrationState } = await worker.client.call("waitForInstanceCompletion", { instanceId: "zero", getInputsAndOutputs: true });
  expect(orchestrationState).toMatchObject({ output: '"done"' });
});

test("nonsense from a worker costs its instance a pause, and changes nothing", async () => {
  const hub = "nonsense";
  await using calm = await server.connect(steps);
  await using worker = await RawWorker.connect(server.port, hub);
  await worker.client.call("startInstance", { instanceId: "patient", name: "patient" });
  const nonsense: Actions[] = [
    [task(1), task(1)],
    [task(-7)],
    [task(1, "")],
    [{ id: 1 }],
    [end(1), end(2)],
    [{ id: 1, orchestratorActionType: { case: "rewindOrchestration", value: { newHistory: [] } } }],
    [{ id: 1, orchestratorActionType: { case: "createTimer", value: {} } }],
    [{ id: 1, orchestratorActionType: { case: "sendEntityMessage", value: {} } }],
    [{ id: 1, orchestratorActionType: { case: "createSubOrchestration", value: { instanceId: "@no@entity", name: "x" } } }],
    [
      {
        id: 1,
        orchestratorActionType: { case: "completeOrchestration", value: { orchestrationStatus: OrchestrationStatus.SUSPENDED } },
      },
    ],
    [{ id: 1, orchestratorActionType: { case: "createTimer", value: { fireAt: { seconds: 2n ** 62n, nanos: -5 } } } }],
  ];
  for (const actions of nonsense) {
    const turn = await worker.turn();
    expect(kindsOf(turn.newEvents)).toEqual(["executionStarted"]);
    expect(await statusOfCall(worker.answer(turn, actions))).toMatchObject({
      code: status.INVALID_ARGUMENT,
      details: expect.stringMatching(/./),
    });
  }
  const turn = await worker.turn();
  await worker.answer(turn, [end(1, '"at last"')]);
  const { orchestrationState } = await worker.client.call("getInstance", { instanceId: "patient", getInputsAndOutputs: true });
  expect(orchestrationState).toMatchObject({ output: '"at last"' });
  const id = await calm.client.scheduleNewOrchestration("steps", 1);
  expect(await calm.client.waitForOrchestrationCompletion(id)).toMatchObject({ serializedOutput: "6" });
});

test("tokens that lie are answered and have no effect", async () => {
  const hub = "lies";
  await using worker = await RawWorker.connect(server.port, hub);
  await worker.client.call("startInstance", { instanceId: "honest", name: "honest" });
  const turn = await worker.turn();
  const changed = Array.from({ length: turn.token.length }, (_, index) => {
    const other = turn.token[index] === "1" ? "2" : "1";
    return `${turn.token.slice(0, index)}${other}${turn.token.slice(index + 1)}`;
  });
  for (const token of ["", " ", "\u0000", "x".repeat(10_000), ...changed]) {
    const answered = worker.answer({ instanceId: "honest", token }, [end(1, '"a lie"')]);
    const code = await answered.then(
      () => status.OK,
      (error: { code: number }) => error.code,
    );
    expect([status.OK, status.INVALID_ARGUMENT]).toContain(code);
    const abandoned = await worker.client.call("abandonTaskOrchestratorWorkItem", { completionToken: token }).then(
      () => status.OK,
      (error: { code: number }) => error.code,
    );
    expect([status.OK, status.INVALID_ARGUMENT]).toContain(abandoned);
  }
  expect((await worker.client.call("getInstance", { instanceId: "honest" })).orchestrationState?.orchestrationStatus).not.toBe(
    OrchestrationStatus.COMPLETED,
  );
  await worker.answer(turn, [end(1, '"the truth"')]);
  // Said again, and otherwise: the first answer stands.
  await worker.answer(turn, [end(1, '"a lie"')]);
  const { orchestrationState } = await worker.client.call("waitForInstanceCompletion", {
    instanceId: "honest",
    getInputsAndOutputs: true,
  });
  expect(orchestrationState).toMatchObject({ output: '"the truth"' });
});

test("an activity is settled by its first answer, whatever comes after it", async () => {
  const hub = "twice";
  await using worker = await RawWorker.connect(server.port, hub);
  await worker.client.call("startInstance", { instanceId: "twice", name: "twice" });
  await worker.answer(await worker.turn(), [task(1), task(2)]);
  const [one, two] = [await worker.activity(), await worker.activity()];
  const settle = (token: string, taskId: number, result: string) =>
    worker.client.call("completeActivityTask", { instanceId: "twice", taskId, result, completionToken: token });
  await settle(one.token, one.taskId, '"first"');
  await settle(one.token, one.taskId, '"second"');
  await settle(two.token, two.taskId, '"other"');
  const results: (string | undefined)[] = [];
  for (let turn = await worker.turn(); ; turn = await worker.turn()) {
    for (const { eventType } of turn.newEvents) if (eventType.case === "taskCompleted") results.push(eventType.value.result);
    await worker.answer(turn, results.length < 2 ? [] : [end(3)]);
    if (results.length >= 2) break;
  }
  expect(new Set(results)).toEqual(new Set(['"first"', '"other"']));
});
