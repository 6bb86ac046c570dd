// Workflow files on the built command.

import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { RunView } from "../../src/model/run-view.ts";
import { compare, type Done, type Figure, timed, type Work } from "../measure.ts";
import { buildCommand, type Finished, finished, signalbox, workflow } from "../signalbox/command.ts";
import { scratch } from "../signalbox/scratch.ts";

const STEPS = 100;
const BARE = fileURLToPath(new URL("../bare/bare-steps.ts", import.meta.url));

const node: Work = async () => seconds(await finished(process.execPath, ["-e", "0"], 0, {}));

export async function measure(): Promise<readonly Figure[]> {
  buildCommand();
  return [...(await start()), ...(await steps()), await background(), await resume()];
}

interface Event {
  readonly type: string;
  readonly at: string;
  readonly runId?: string;
  readonly kind?: string;
}

const events = (run: Finished): Event[] =>
  run.output
    .split("\n")
    .filter((line) => line.startsWith("{"))
    .map((line) => JSON.parse(line) as Event);

const seconds = (run: Finished, until = run.endedAt): Done => ({ units: 1, seconds: (until - run.startedAt) / 1_000 });

async function start(): Promise<Figure[]> {
  const mark = join(scratch, "first-step");
  const file = workflow("one", [`- run: echo "$EPOCHREALTIME" > ${mark}`]);
  const firstStep: Work = async () => {
    const run = await signalbox(["run", file]);
    return seconds(run, Number(readFileSync(mark, "utf8")) * 1_000);
  };
  const firstLine: Work = async () => {
    const run = await signalbox(["run", file]);
    return seconds(run, run.firstOutputAt);
  };
  return [
    figure("start of the command to its first step", "node -e 0", await compare(firstStep, node), 6),
    figure("start of the command to its first line", "node -e 0", await compare(firstLine, node), 4),
  ];
}

async function steps(): Promise<Figure[]> {
  const file = workflow(
    "hundred",
    Array.from({ length: STEPS }, () => '- run: ":"'),
  );
  // Neither loop prints anything; what the steps took stands in the run.
  const subject: Work = async () => {
    await signalbox(["run", "--ui", "none", file]);
    const { jobs } = JSON.parse((await signalbox(["show", "latest", "--json"])).output) as RunView;
    const ran = jobs.flatMap(({ steps }) => steps).filter(({ kind, conclusion }) => kind === "run" && conclusion === "success");
    if (ran.length !== STEPS) throw new Error(`${ran.length} steps succeeded, not ${STEPS}`);
    return { units: STEPS, seconds: (Date.parse(ran.at(-1)?.endedAt ?? "") - Date.parse(ran[0]?.startedAt ?? "")) / 1_000 };
  };
  const bare: Work = async () => {
    const run = await finished(process.execPath, [BARE, String(STEPS), mkdtempSync(join(scratch, "bare-"))], 0, {});
    return { units: STEPS, seconds: Number(run.output) / 1_000 };
  };
  const shell: Work = () => timed(STEPS, () => void execFileSync("bash", ["-c", `for i in {1..${STEPS}}; do bash -e -c :; done`]));
  const toShell = await compare(subject, shell, { rounds: 3 });
  return [
    figure("100 steps `:`", "a bare Node loop", await compare(subject, bare), 1.3),
    { ...figure("100 steps `:`", "a plain shell loop", toShell, 0), limit: undefined },
  ];
}

async function background(): Promise<Figure> {
  const file = workflow("background", [...Array.from({ length: 10 }, () => "- { run: sleep 1, background: true }"), "- wait-all:"]);
  const subject: Work = async () => {
    const all = events(await signalbox(["run", "--json", file]));
    const started = all.find(({ type, kind }) => type === "step.started" && kind === "run");
    const ended = all.findLast(({ type }) => type === "step.finished");
    return { units: 1, seconds: (Date.parse(ended?.at ?? "") - Date.parse(started?.at ?? "")) / 1_000 };
  };
  const bare: Work = async () => {
    const sleeps = Array.from({ length: 10 }, () => finished("sleep", ["1"], 0, {}));
    return timed(1, async () => void (await Promise.all(sleeps)));
  };
  return figure("10 background steps of 1 s", "ten `sleep 1` from a bare Node loop", await compare(subject, bare, { rounds: 3 }), 1.1);
}

/** A run with 1,000 finished steps whose last one took the engine with it; resume ends it. */
async function resume(): Promise<Figure> {
  const file = workflow("thousand", [...Array.from({ length: 1_000 }, () => '- run: ":"'), "- run: kill -9 $PPID; exec sleep 1000"]);
  const rounds = 5;
  const interrupted: string[] = [];
  while (interrupted.length <= rounds) interrupted.push(idOf(events(await signalbox(["run", "--json", file], null))));
  const subject: Work = async () => {
    const run = await signalbox(["resume", interrupted.pop() ?? "none is left", "--on-interrupt", "fail", "--json"], 1);
    if (!events(run).some(({ type }) => type === "run.finished")) throw new Error("the resumed run has not ended");
    return seconds(run);
  };
  return figure("resume of a run with 1,000 finished steps", "node -e 0", await compare(subject, node, { rounds, sampleMs: 0 }), 12);
}

function idOf(all: readonly Event[]): string {
  const id = all[0]?.runId;
  if (id === undefined) throw new Error("the run has no id");
  return id;
}

function figure(
  name: string,
  against: string,
  { ratio, subjectPerSecond, baselinePerSecond }: Awaited<ReturnType<typeof compare>>,
  atMost: number,
): Figure {
  const ms = (perSecond: number): string => (1e3 / perSecond).toFixed(2);
  return {
    name,
    against,
    value: ratio,
    limit: { atMost },
    unit: "times",
    detail: `${ms(subjectPerSecond)} and ${ms(baselinePerSecond)} ms each`,
  };
}
