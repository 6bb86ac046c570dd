// The embedded engine on SQLite at FULL, against bare writes of the same rows and against other engines.

import { Worker } from "node:worker_threads";
import type { Engine } from "../../src/index.ts";
import { readWrites, replayWrites } from "../bare/replay-writes.ts";
import { compare, type Figure, timed, type Work } from "../measure.ts";
import { durableTaskInMemory } from "../opponents/durabletask-in-memory.ts";
import { openWorkflowSqlite } from "../opponents/openworkflow-sqlite.ts";
import { onEngine, openOn, runChains, runFanOuts } from "../signalbox/programs.ts";
import { freshFile } from "../signalbox/scratch.ts";

const RECORDING_THREAD = new URL("../bare/recording-thread.ts", import.meta.url);
const INSTANCES = 1_000;
const STEPS = 5;
const LONG = 5_000;
const WIDTH = 1_000;
const FAN_OUTS = 20;

export async function measure(): Promise<readonly Figure[]> {
  return [...(await chains()), ...(await oneLongChain()), ...(await fanOuts())];
}

const many: Work = () => onEngine(freshFile("chains"), INSTANCES * STEPS, (engine) => runChains(engine, INSTANCES, STEPS));

async function chains(): Promise<Figure[]> {
  const bare = await recorded(INSTANCES * STEPS, (engine) => runChains(engine, INSTANCES, STEPS));
  const toBare = await compare(many, bare);
  const toMemory = await compare(many, durableTaskInMemory(INSTANCES, STEPS), { rounds: 3 });
  const toOther = await compare(many, openWorkflowSqlite(100, STEPS), { rounds: 3 });
  const detail = (other: number, own: number) => `${Math.round(own)} and ${Math.round(other)} steps a second`;
  return [
    {
      name: "1,000 orchestrations of 5 activities: throughput",
      against: "a bare loop that writes the same rows in the same batches",
      value: 1 / toBare.ratio,
      limit: { atLeast: 0.2 },
      unit: "times",
      detail: detail(toBare.baselinePerSecond, toBare.subjectPerSecond),
    },
    {
      name: "1,000 orchestrations of 5 activities: throughput",
      against: "durabletask-js on its in-memory backend",
      value: 1 / toMemory.ratio,
      limit: { atLeast: 1 },
      unit: "times",
      detail: detail(toMemory.baselinePerSecond, toMemory.subjectPerSecond),
    },
    {
      name: "1,000 orchestrations of 5 activities: throughput",
      against: "openworkflow on SQLite",
      value: 1 / toOther.ratio,
      limit: { atLeast: 10 },
      unit: "times",
      detail: detail(toOther.baselinePerSecond, toOther.subjectPerSecond),
    },
  ];
}

async function oneLongChain(): Promise<Figure[]> {
  const one =
    (steps: number): Work =>
    () =>
      onEngine(freshFile("chain"), steps, (engine) => runChains(engine, 1, steps));
  const toBare = await compare(one(LONG), oneRowCommits(LONG));
  const flat = await compare(one(LONG), one(LONG / 10), { rounds: 3 });
  return [
    {
      name: "one orchestration of 5,000 activities: throughput",
      against: "one-row FULL commits through a thread, each awaited",
      value: 1 / toBare.ratio,
      limit: { atLeast: 0.7 },
      unit: "times",
      detail: `${Math.round(1e6 / toBare.subjectPerSecond)} and ${Math.round(1e6 / toBare.baselinePerSecond)} microseconds a step`,
    },
    {
      name: "cost per step of 5,000 sequential activities",
      against: "that of 500",
      value: flat.ratio,
      limit: { atMost: 1.2 },
      unit: "times",
      detail: `${Math.round(1e6 / flat.subjectPerSecond)} and ${Math.round(1e6 / flat.baselinePerSecond)} microseconds a step`,
    },
  ];
}

async function fanOuts(): Promise<Figure[]> {
  const work = (engine: Engine): Promise<void> => runFanOuts(engine, FAN_OUTS, WIDTH);
  const units = FAN_OUTS * WIDTH;
  const subject: Work = () => onEngine(freshFile("fan"), units, work);
  const bare = await recorded(units, work);
  const { ratio, subjectPerSecond, baselinePerSecond } = await compare(subject, bare);
  return [
    {
      name: "fan-out of 1,000",
      against: "bare writes of its rows",
      value: ratio,
      limit: { atMost: 3 },
      unit: "times",
      detail: `${((WIDTH / subjectPerSecond) * 1e3).toFixed(1)} and ${((WIDTH / baselinePerSecond) * 1e3).toFixed(1)} ms`,
    },
  ];
}

/** Does the work once with a recorder before SQLite, which also fails if the store is not at FULL; the baseline replays what it wrote. */
async function recorded(units: number, work: (engine: Engine) => Promise<void>): Promise<Work> {
  const path = freshFile("recorded");
  const engine = await openOn(path, RECORDING_THREAD);
  await work(engine);
  await engine.close();
  return replayWrites(readWrites(path), freshFile("bare"), units);
}

function oneRowCommits(commits: number): Work {
  return async () => {
    const worker = new Worker(new URL("../bare/one-row-thread.ts", import.meta.url), { workerData: { path: freshFile("rows") } });
    await new Promise((resolve) => worker.once("message", resolve));
    const text = "x".repeat(250);
    const done = await timed(
      commits,
      () =>
        new Promise<void>((resolve) => {
          let left = commits;
          worker.on("message", () => (--left === 0 ? resolve() : worker.postMessage(text)));
          worker.postMessage(text);
        }),
    );
    await worker.terminate();
    return done;
  };
}
