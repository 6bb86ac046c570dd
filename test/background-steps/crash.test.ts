// B21 with a real crash: the command is killed with SIGKILL, and another one resumes the run.

import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, watch, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, it } from "vitest";
import type { RunView } from "../../src/model/run-view.ts";
import { isAlive } from "./bench.ts";

const MAIN = join(import.meta.dirname, "../../src/main.ts");

it("B21: an interrupted background step that overlapped ended ones begins again first, and the notice names them; what ended is not repeated, a flush happens once", async () => {
  const directory = mkdtempSync(join(tmpdir(), "signalbox-crash-"));
  try {
    const repository = join(directory, "repository");
    const barriers = join(directory, "barriers");
    for (const folder of [join(repository, ".github/workflows"), barriers]) mkdirSync(folder, { recursive: true });
    const text = `
on: push
env: { BARRIERS: ${barriers} }
jobs:
  a:
    runs-on: ubuntu-latest
    steps:
      - { id: one, background: true, run: 'echo one >> $BARRIERS/ran; echo WHO=one >> $GITHUB_ENV' }
      - { wait: one }
      - { id: server, name: Server, background: true, run: 'echo server >> $BARRIERS/ran; echo $$ > $BARRIERS/pid; exec sleep 1000' }
      - { id: ready, name: Ready, run: 'until [ -s $BARRIERS/pid ]; do sleep 0.01; done; echo ready >> $BARRIERS/ran' }
      - { id: crash, run: 'echo crash >> $BARRIERS/ran; [ -e $BARRIERS/crashed ] || { echo > $BARRIERS/here; exec sleep 1000; }' }
      - { cancel: server }
      - { id: last, run: 'echo "last $WHO" >> $BARRIERS/ran' }
`;
    const file = join(repository, ".github/workflows/crash.yml");
    writeFileSync(file, text);
    const options = { cwd: repository, env: { ...process.env, XDG_STATE_HOME: join(directory, "state") } };
    const made = whenMade(barriers, "here");
    const first = spawn(process.execPath, [MAIN, "run", file, "--ui", "none"], { ...options, stdio: "ignore" });
    const gone = once(first, "exit");
    await made;
    first.kill("SIGKILL");
    await gone;
    const orphan = Number(readFileSync(join(barriers, "pid"), "utf8"));
    writeFileSync(join(barriers, "crashed"), "");

    const { stdout } = await promisify(execFile)(process.execPath, [MAIN, "resume", "--json"], options);
    expect(isAlive(orphan)).toBe(false);
    const events = stdout
      .trim()
      .split("\n")
      .map(
        (line) => JSON.parse(line) as { readonly type: string; readonly message?: string; readonly step?: string; readonly by?: string },
      );
    const notices = events.flatMap(({ type, message }) => (type === "run.notice" && message !== undefined ? [message] : []));
    expect(notices.some((notice) => notice.includes('"Server" begins again first') && notice.includes("Ready"))).toBe(true);
    const again = events.filter(({ type }) => type === "step.started").map(({ step }) => step);
    expect(again.slice(0, 2)).toEqual(["server", "crash"]);
    expect(events.filter(({ type, step }) => type === "step.flushed" && step === "server")).toHaveLength(1);

    const ran = readFileSync(join(barriers, "ran"), "utf8").trim().split("\n");
    expect(ran.filter((line) => line === "one" || line === "ready")).toEqual(["one", "ready"]);
    expect(ran.at(-1)).toBe("last one");
    const shown = await promisify(execFile)(process.execPath, [MAIN, "show", "latest", "--json"], options);
    const steps = (JSON.parse(shown.stdout) as RunView).jobs[0]?.steps ?? [];
    expect(Object.fromEntries(steps.map(({ key, attempt }) => [key, attempt]))).toMatchObject({
      one: 1,
      ready: 1,
      server: 2,
      crash: 2,
      last: 1,
    });
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});

function whenMade(directory: string, name: string): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const watcher = watch(directory, () => existsSync(join(directory, name)) && resolve());
  return promise.finally(() => watcher.close());
}
