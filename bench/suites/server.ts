// The Durable Task server over real gRPC: SQLite at FULL, the SDK's worker in a process of its own.

import { readFileSync } from "node:fs";
import { compare, type Figure, median, timed, type Work } from "../measure.ts";
import { freshFile } from "../signalbox/scratch.ts";
import { clientOf, runSdkChains, start } from "../signalbox/server-processes.ts";

const INSTANCES = 1_000;
const STEPS = 5;
const LONG = 1_000;
const REMOTE = 5_000;
const IDLE_WORKERS = 1_000;
/** Clock ticks of a process in /proc, a second. */
const TICKS = 100;

export async function measure(): Promise<readonly Figure[]> {
  return [...(await againstBareServer()), await flatRemoteCost(), await firstItem(), ...(await idle())];
}

async function againstBareServer(): Promise<Figure[]> {
  await using own = await withWorker("signalbox-server", freshFile("server"));
  await using bare = await withWorker("bare-grpc-server");
  const many = await compare(own.chains(INSTANCES, STEPS), bare.chains(INSTANCES, STEPS), { rounds: 3 });
  const one = await compare(own.chains(1, LONG), bare.chains(1, LONG), { rounds: 3 });
  const against = "a bare gRPC server that exchanges the same messages and does nothing";
  return [
    {
      name: "SDK worker, 1,000 orchestrations of 5 activities: throughput",
      against,
      value: 1 / many.ratio,
      limit: { atLeast: 0.5 },
      unit: "times",
      detail: `${Math.round(many.subjectPerSecond)} and ${Math.round(many.baselinePerSecond)} steps a second`,
    },
    {
      name: "SDK worker, one orchestration of 1,000 activities: throughput",
      against,
      value: 1 / one.ratio,
      limit: { atLeast: 0.5 },
      unit: "times",
      detail: `${Math.round(one.subjectPerSecond)} and ${Math.round(one.baselinePerSecond)} steps a second`,
    },
  ];
}

/** A server with the SDK's worker connected. */
async function withWorker(server: string, ...args: readonly string[]) {
  const serving = await start(server, ...args);
  const address = `127.0.0.1:${serving.said}`;
  const worker = await start("sdk-worker", address);
  const client = clientOf(address);
  return {
    chains:
      (instances: number, steps: number): Work =>
      () =>
        runSdkChains(client, instances, steps),
    async [Symbol.asyncDispose]() {
      await client.stop();
      await worker[Symbol.asyncDispose]();
      await serving[Symbol.asyncDispose]();
    },
  };
}

/** Our own remote worker gets only new events of instances that it holds warm. */
async function flatRemoteCost(): Promise<Figure> {
  await using server = await start("signalbox-server", freshFile("remote"));
  const worker = await start("remote-worker", `127.0.0.1:${server.said}`);
  const client = clientOf(`127.0.0.1:${server.said}`);
  const { ratio, subjectPerSecond, baselinePerSecond } = await compare(
    () => runSdkChains(client, 1, REMOTE),
    () => runSdkChains(client, 1, REMOTE / 10),
    { rounds: 3 },
  );
  await client.stop();
  await worker[Symbol.asyncDispose]();
  return {
    name: `own remote worker: cost per step of ${REMOTE} sequential activities`,
    against: `that of ${REMOTE / 10}`,
    value: ratio,
    limit: { atMost: 1.2 },
    unit: "times",
    detail: `${Math.round(1e6 / subjectPerSecond)} and ${Math.round(1e6 / baselinePerSecond)} microseconds a step`,
  };
}

/** From the call of StartInstance to the worker's first item, in a process that does both. */
async function firstItem(): Promise<Figure> {
  await using server = await start("signalbox-server", freshFile("first-item"));
  await using probe = await start("first-item", `127.0.0.1:${server.said}`);
  const millis = JSON.parse(probe.said) as readonly number[];
  return {
    name: "idle server: StartInstance to the worker's first item",
    against: "the clock",
    value: median(millis),
    limit: { atMost: 5 },
    unit: "ms",
    detail: `${millis.length} times, worst ${Math.max(...millis).toFixed(1)} ms`,
  };
}

async function idle(): Promise<Figure[]> {
  await using server = await start("signalbox-server", freshFile("idle"));
  const pid = server.process.pid ?? 0;
  const before = residentBytes(pid);
  await using workers = await start("idle-workers", `127.0.0.1:${server.said}`, String(IDLE_WORKERS));
  const after = residentBytes(pid);
  const ticks = cpuTicks(pid);
  const { seconds } = await timed(1, () => new Promise((resolve) => setTimeout(resolve, 5_000)));
  const percent = ((cpuTicks(pid) - ticks) / TICKS / seconds) * 100;
  return [
    {
      name: `${IDLE_WORKERS} connected idle workers: memory of the server`,
      against: "its whole resident memory",
      value: after / 2 ** 20,
      limit: { atMost: 200 },
      unit: "MB",
      detail: `${(before / 2 ** 20).toFixed(0)} MB before; ${workers.said} streams`,
    },
    {
      name: `idle server with ${IDLE_WORKERS} workers: CPU`,
      against: "one core",
      value: percent,
      limit: { atMost: 0.5 },
      unit: "percent",
      detail: `over ${seconds.toFixed(0)} s`,
    },
  ];
}

function residentBytes(pid: number): number {
  const line = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "utf8"));
  return Number(line?.[1]) * 1_024;
}

function cpuTicks(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8")
    .replace(/^.*\) /, "")
    .split(" ");
  return Number(fields[11]) + Number(fields[12]);
}
