// What it costs to start, to be killed, and to wait.

import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { readFileSync, statSync, watch, writeFileSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { fileURLToPath } from "node:url";
import { type BuildOptions, build } from "esbuild";
import { compare, type Figure, median, timed, type Work } from "../measure.ts";
import { freshFile, scratch } from "../signalbox/scratch.ts";

const program = (name: string): string => fileURLToPath(new URL(`../programs/${name}.ts`, import.meta.url));
const ALL = 5_000;

export async function measure(): Promise<readonly Figure[]> {
  return [await processStart(), ...(await killed()), ...waiting()];
}

async function processStart(): Promise<Figure> {
  const root = fileURLToPath(new URL("../..", import.meta.url));
  // As what is published: the store's thread is a file of its own, and the library reads what it needs when it needs it.
  const published = {
    absWorkingDir: root,
    outdir: scratch,
    bundle: true,
    format: "esm",
    platform: "node",
    target: "node24",
    minifySyntax: true,
    minifyWhitespace: true,
    external: ["koffi"],
  } satisfies BuildOptions;
  await build({ ...published, entryPoints: { first: "bench/programs/first-orchestration.ts" }, splitting: true });
  await build({ ...published, entryPoints: { "store-thread": "src/store/sqlite/store-thread.ts" } });
  writeFileSync(`${scratch}/package.json`, '{"type":"module"}');
  const start =
    (args: () => readonly string[]): Work =>
    () =>
      timed(1, () => void execFileSync(process.execPath, args(), { stdio: ["ignore", "ignore", "inherit"] }));
  const { ratio, subjectPerSecond, baselinePerSecond } = await compare(
    start(() => [`${scratch}/first.js`, freshFile("first")]),
    start(() => ["-e", "0"]),
  );
  return {
    name: "process start to the end of its first orchestration",
    against: "node -e 0",
    value: ratio,
    limit: { atMost: 6 },
    unit: "times",
    detail: `${(1e3 / subjectPerSecond).toFixed(0)} and ${(1e3 / baselinePerSecond).toFixed(0)} ms`,
  };
}

interface Killed {
  readonly extraMs: number;
  readonly twice: number;
  readonly inFlight: number;
}

async function killed(): Promise<Figure[]> {
  const rounds: Killed[] = [];
  for (let round = 0; round < 5; round += 1) rounds.push(await killedOnce(0.2 + round * 0.15));
  const worst = rounds.reduce((left, right) => (left.extraMs > right.extraMs ? left : right));
  return [
    {
      name: "kill -9 in the middle of 1,000 x 5: restart to the end, beyond what the rest of the work takes",
      against: "the undisturbed run",
      value: median(rounds.map(({ extraMs }) => extraMs)) / 1_000,
      limit: { atMost: 1 },
      unit: "s",
      detail: `worst ${worst.extraMs.toFixed(0)} ms; run twice ${rounds.map(({ twice }) => twice).join(", ")} of ${rounds.map(({ inFlight }) => inFlight).join(", ")} in flight`,
    },
  ];
}

async function killedOnce(share: number): Promise<Killed> {
  const undisturbed = await finish(start(freshFile("whole"), logFile()));
  const [path, log] = [freshFile("killed"), logFile()];
  const victim = start(path, log);
  await grown(log, share, victim);
  victim.kill("SIGKILL");
  await new Promise((resolve) => victim.once("close", resolve));
  const before = executions(log);
  const inFlight = activitiesInFlight(path);
  const restarted = await finish(start(path, log));
  const after = executions(log);
  const twice = after.slice(before.length).filter((line) => before.includes(line));
  const wrongly = twice.filter((line) => !inFlight.has(line));
  if (wrongly.length > 0) throw new Error(`${wrongly.length} activities ran twice that were not in flight, the first: ${wrongly[0]}`);
  if (new Set(after).size !== ALL) throw new Error(`${new Set(after).size} activities ran, not ${ALL}`);
  const rest = 1 - (before.length - twice.length) / ALL;
  return { extraMs: restarted - undisturbed * rest, twice: twice.length, inFlight: inFlight.size };
}

function logFile(): string {
  const path = `${freshFile("log")}.txt`;
  writeFileSync(path, "");
  return path;
}

const start = (path: string, log: string): ChildProcess =>
  spawn(process.execPath, [program("killed-chains"), path, log], { stdio: ["ignore", "pipe", "inherit"] });

function finish(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    let output = "";
    child.stdout?.on("data", (chunk) => (output += String(chunk)));
    child.once("close", (code) => (code === 0 ? resolve(Number(output)) : reject(new Error(`the chains ended with ${code}`))));
  });
}

/** Each execution as `instance action`, in order; the attempt is not part of what was done. */
const executions = (log: string): string[] =>
  readFileSync(log, "utf8")
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => line.split(" ").slice(0, 2).join(" "));

function activitiesInFlight(path: string): ReadonlySet<string> {
  const database = new DatabaseSync(path);
  const rows = database.prepare("SELECT instance_id, action_id FROM activities JOIN instances USING (ref) WHERE in_flight = 1").all();
  database.close();
  return new Set(rows.map((row) => `${String(row["instance_id"])} ${String(row["action_id"])}`));
}

/** Resolves when the share of the work's lines is in the log. */
function grown(log: string, share: number, child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    const enough = ALL * share * "chain-500 1 1\n".length;
    const watcher = watch(log, () => {
      if (statSync(log).size < enough) return;
      watcher.close();
      resolve();
    });
    child.once("exit", () => {
      watcher.close();
      reject(new Error("the chains ended before they could be killed"));
    });
  });
}

function waiting(): Figure[] {
  const output = execFileSync(process.execPath, ["--expose-gc", program("waiting"), freshFile("waiting")], { encoding: "utf8" });
  const { bytesEach, idlePercent } = JSON.parse(output) as { readonly bytesEach: number; readonly idlePercent: number };
  return [
    {
      name: "100,000 waiting orchestrations, cold: memory of each",
      against: "the engine before",
      value: bytesEach,
      limit: { atMost: 1_024 },
      unit: "bytes",
      detail: "heap and external memory after a collection",
    },
    {
      name: "idle CPU with 100,000 waiting orchestrations",
      against: "one core",
      value: idlePercent,
      limit: { atMost: 0.5 },
      unit: "%",
      detail: "over 5 s",
    },
  ];
}
