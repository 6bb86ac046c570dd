// Readiness, and spans as an OpenTelemetry SDK gets them.

import { BasicTracerProvider, InMemorySpanExporter, type ReadableSpan, SimpleSpanProcessor } from "@opentelemetry/sdk-trace-base";
import { expect, test } from "vitest";
import { engineEnvironment } from "../../src/host/engine-environment.ts";
import { connectClient, connectWorker, defineActivity, defineOrchestrator, openMemoryStore } from "../../src/index.ts";
import { openServer, type ServerOptions } from "../../src/server/serve.ts";
import { openLog } from "../../src/server/telemetry/log.ts";

const ANY = { host: "127.0.0.1", port: 0 };
const OPTIONS: ServerOptions = {
  openStore: () => openMemoryStore(),
  environment: engineEnvironment,
  listen: ANY,
  log: openLog({ level: "silent", isPretty: false, write: () => undefined }),
};

const double = defineActivity("double", (_, value: number) => value * 2);
const fails = defineActivity("fails", (): number => {
  throw new Error("no");
});
const rounds = defineOrchestrator("rounds", async (ctx, left: number): Promise<number> => {
  await ctx.callActivity(double, left);
  if (left > 1) return ctx.continueAsNew(left - 1);
  return await ctx.callActivity(fails, undefined).catch(() => 0);
});

test("an orchestration has a span for each execution, and in it one for each activity; a call has one", async () => {
  const exporter = new InMemorySpanExporter();
  const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
  await using server = await openServer({ ...OPTIONS, tracer: provider.getTracer("test") });
  const address = `127.0.0.1:${server.address.port}`;
  await using stack = new AsyncDisposableStack();
  stack.use(await connectWorker({ address, orchestrators: [rounds], activities: [double, fails] }));
  await using client = await connectClient({ address });
  await client.start(rounds, 2, { instanceId: "a" });
  await client.waitForCompletion("a");

  const spans = exporter.getFinishedSpans();
  const named = (name: string): readonly ReadableSpan[] => spans.filter((span) => span.name === name);
  const [first, second] = named("orchestration:rounds");
  expect(named("orchestration:rounds").map(({ attributes }) => attributes["durabletask.task.status"])).toEqual([
    "ContinuedAsNew",
    "Completed",
  ]);
  expect(first?.attributes["durabletask.task.execution_id"]).not.toBe(second?.attributes["durabletask.task.execution_id"]);
  expect(named("activity:double").map((span) => span.parentSpanContext?.spanId)).toEqual([
    first?.spanContext().spanId,
    second?.spanContext().spanId,
  ]);
  expect(named("activity:fails")).toMatchObject([{ status: { code: 2 } }]);
  expect(named("TaskHubSidecarService/StartInstance")).toMatchObject([{ attributes: { "rpc.grpc.status_code": 0 } }]);
  expect(JSON.stringify(spans.map(({ attributes, events, status }) => [attributes, events, status]))).not.toContain('"no"');
});

test("spans stand under the context that the caller sent", async () => {
  const exporter = new InMemorySpanExporter();
  const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
  const parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
  const { OrchestrationSpans } = await import("../../src/server/telemetry/orchestration-spans.ts");
  const spans = new OrchestrationSpans(provider.getTracer("test"));
  const { asExecutionId, asHubName, asInstanceId } = await import("../../src/model/ids.ts");
  const turn = {
    hub: asHubName("h"),
    instanceId: asInstanceId("i"),
    executionId: asExecutionId("e"),
    name: "n",
    traceContext: { traceParent: parent },
  };
  spans.committed([{ ...turn, from: 4, events: [{ kind: "OrchestratorStarted", eventId: -1, timestamp: 5 }] }]);
  spans.committed([{ ...turn, from: 5, events: [{ kind: "ExecutionCompleted", eventId: -1, timestamp: 7, status: "Failed" }] }]);
  const [span] = exporter.getFinishedSpans();
  expect(span?.spanContext().traceId).toBe("0af7651916cd43dd8448eb211c80319c");
  expect(span).toMatchObject({
    parentSpanContext: { spanId: "b7ad6b7169203331" },
    status: { code: 2 },
    attributes: { "signalbox.begun_before": true },
  });
});

test("it is ready when the store is open and not before, and what fails on the way leaves nothing behind", async () => {
  const { promise: store, resolve, reject } = Promise.withResolvers<Awaited<ReturnType<typeof openMemoryStore>>>();
  const port = await freePort();
  const http = { host: "127.0.0.1", port };
  const asked = Promise.withResolvers<void>();
  const opening = openServer({
    ...OPTIONS,
    http,
    openStore: () => {
      asked.resolve();
      return store;
    },
  });
  await asked.promise;
  const ready = (): Promise<Response> => fetch(`http://127.0.0.1:${port}/readyz`);
  expect((await ready()).status).toBe(503);
  resolve(await openMemoryStore());
  const server = await opening;
  expect((await ready()).status).toBe(200);
  await server.close();
  await expect(ready()).rejects.toThrow();
  reject(new Error("late"));
  await expect(openServer({ ...OPTIONS, http, openStore: () => Promise.reject(new Error("no store")) })).rejects.toThrow("no store");
  await expect(ready()).rejects.toThrow();
});

async function freePort(): Promise<number> {
  await using server = await openServer({ ...OPTIONS, http: ANY });
  return server.httpAddress?.port ?? 0;
}
