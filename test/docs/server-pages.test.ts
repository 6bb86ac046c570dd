// What the pages about the server list is what there is: calls, actions, metrics, and the bytes of the worked exchange.

import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { asExecutionId, asInstanceId } from "../../src/model/ids.ts";
import { Metrics } from "../../src/server/telemetry/metrics.ts";
import { OrchestratorActionSchema, TaskHubSidecarService } from "../../src/wire/generated/durable_task_pb.ts";
import { turnToBytes } from "../../src/wire/turns.ts";

const pageOf = (name: string): string => readFileSync(new URL(`../../docs/${name}`, import.meta.url), "utf8");
const [protocol, operations] = [pageOf("durable-task.md"), pageOf("operations.md")];

test("every call of the protocol is described", () => {
  const calls = TaskHubSidecarService.methods.map(({ name }) => name);
  expect(calls.length).toBeGreaterThan(28);
  const rows = protocol.split("\n").flatMap((line) => /^\| ([A-Z][\w, ]+) \|/.exec(line)?.[1]?.split(", ") ?? []);
  expect(calls.filter((call) => !rows.includes(call))).toEqual([]);
});

test("every action is described", () => {
  const actions = OrchestratorActionSchema.oneofs.flatMap(({ fields }) => fields.map(({ name }) => name));
  expect(actions.length).toBeGreaterThan(7);
  expect(actions.filter((action) => !protocol.includes(`\n| ${action} |`))).toEqual([]);
});

test("every metric is listed, and none that is not there", async () => {
  const { body } = await new Metrics({ workers: () => undefined, grpc: () => undefined }).text();
  const metrics = [...body.matchAll(/^# TYPE (\S+) /gm)].map(([, name]) => name);
  const listed = [...operations.matchAll(/`((?:signalbox|process)_\w+)/g)].map(([, name]) => name);
  expect(new Set(listed)).toEqual(new Set(metrics));
});

test("the worked exchange of a delta turn is what goes over the wire", () => {
  const timestamp = 1_700_000_000_000;
  const head = { eventId: -1, timestamp } as const;
  const turn = {
    sort: "orchestration",
    token: "o.7.12.3.0.e1",
    instanceId: asInstanceId("order-A1"),
    executionId: asExecutionId("e1"),
    historyLength: 3,
    newEvents: [
      { kind: "OrchestratorStarted", ...head },
      { kind: "TaskCompleted", ...head, taskScheduledId: 1, result: '"ok"' },
    ],
  } as const;
  const bytes = turnToBytes(turn, { kind: "held" }, { spanId: "0123456789abcdef", startedAt: timestamp });
  expect(protocol).toContain(`server -> worker, ${bytes.length} bytes`);
  const shown = [...protocol.matchAll(/^ +(3a (?:[0-9a-f]{2} ?)+\|.*)$/gm)].map(([, line = ""]) => hexOf(line));
  expect(shown).toHaveLength(2);
  for (const hex of shown) expect(Buffer.from(bytes).toString("hex")).toContain(hex);
});

/** Of `3a 15 | 0a 0f "text" | 12 02`. */
function hexOf(line: string): string {
  return line.replaceAll(/"([^"]*)"/g, (_, text: string) => Buffer.from(text).toString("hex")).replaceAll(/[ |]/g, "");
}
