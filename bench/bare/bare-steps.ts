// The bare Node loop for a step: writes the same files (script, command files, evidence of the start, log, end, event
// stream), starts `bash -e` detached with pipes, reads the files back. Nothing is recorded: no store, no expressions, no masks.
// Prints the milliseconds for COUNT steps: COUNT DIRECTORY.

import { spawn } from "node:child_process";
import { closeSync, mkdirSync, mkdtempSync, openSync, readFileSync, renameSync, rmSync, writeFileSync, writeSync } from "node:fs";

const COMMAND_FILES = ["output", "env", "path", "state", "step_summary"];
const [count = "100", directory = ""] = process.argv.slice(2);
// Where the host has them too: memory-backed storage for scripts, the run's directory for log and spool.
const scripts = mkdtempSync("/dev/shm/signalbox-bench-");
mkdirSync(`${directory}/logs`, { recursive: true });
mkdirSync(`${directory}/spool`, { recursive: true });
const events = openSync(`${directory}/events.ndjson`, "a");

const started = performance.now();
for (let step = 0; step < Number(count); step += 1) await run(step);
process.stdout.write(`${performance.now() - started}\n`);
rmSync(scripts, { recursive: true });

async function run(step: number): Promise<void> {
  const folder = `${scripts}/${step}`;
  mkdirSync(folder, { mode: 0o700 });
  writeFileSync(`${folder}/script.sh`, ":\n", { mode: 0o700 });
  writeFileSync(`${folder}/begin`, `unset BASH_ENV\n: > '${directory}/spool/${step}.began.'$$\n`, { mode: 0o600 });
  for (const name of COMMAND_FILES) closeSync(openSync(`${folder}/${name}`, "wx", 0o600));
  const log = openSync(`${directory}/logs/${step}.log`, "a");
  writeSync(events, `${JSON.stringify({ type: "step.started", step })}\n`);
  writeSync(log, "Run :\n");
  const code = await new Promise<number | null>((resolve, reject) => {
    const child = spawn("bash", ["-e", `${folder}/script.sh`], {
      detached: true,
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, GITHUB_OUTPUT: `${folder}/output`, BASH_ENV: `${folder}/begin` },
    });
    child.stdout.on("data", (chunk: Buffer) => writeSync(log, chunk));
    child.stderr.on("data", (chunk: Buffer) => writeSync(log, chunk));
    child.once("error", reject);
    child.once("close", resolve);
  });
  if (code !== 0) throw new Error(`bash ended with ${code}`);
  const values = COMMAND_FILES.map((name) => readFileSync(`${folder}/${name}`, "utf8"));
  closeSync(log);
  const spool = `${directory}/spool/${step}.ended`;
  writeFileSync(`${spool}.tmp`, JSON.stringify({ step, code, values }));
  renameSync(`${spool}.tmp`, spool);
  writeSync(events, `${JSON.stringify({ type: "step.finished", step, code })}\n`);
  rmSync(folder, { recursive: true });
}
