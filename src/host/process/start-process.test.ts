import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { loadLibc } from "./libc.ts";
import { posixSpawn } from "./posix-spawn.ts";
import type { ProcessEnd, SpawnOptions } from "./spawned-process.ts";
import { startProcess } from "./start-process.ts";

const folder = mkdtempSync(join(tmpdir(), "start-process-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const env = { PATH: process.env["PATH"] ?? "" };

interface Ran extends ProcessEnd {
  readonly pid: number;
  readonly stdout: string;
  readonly stderr: string;
}

async function run(options: Partial<SpawnOptions> & { readonly drainMs?: number }): Promise<Ran> {
  const output: { readonly out: Buffer[]; readonly err: Buffer[] } = { out: [], err: [] };
  const started = startProcess({
    command: "/bin/sh",
    args: [],
    cwd: folder,
    env,
    drainMs: 5_000,
    onStdout: (bytes) => output.out.push(bytes),
    onStderr: (bytes) => output.err.push(bytes),
    ...options,
  });
  if (started.kind === "refused") throw await started.reason;
  const end = await started.process.ended;
  expect(started.process.isAlive()).toBe(false);
  return { ...end, pid: started.process.pid, stdout: String(Buffer.concat(output.out)), stderr: String(Buffer.concat(output.err)) };
}

const sh = (script: string, options: Partial<SpawnOptions> & { readonly drainMs?: number } = {}): Promise<Ran> =>
  run({ args: ["-c", script], ...options });

test.runIf(process.platform === "linux")("the C library is there, and processes start without a fork", async () => {
  expect(loadLibc()).toBeDefined();
  const spawned = posixSpawn({ command: "/bin/sh", args: ["-c", "exit 3"], cwd: "/", env });
  spawned?.stdout.resume();
  spawned?.stderr.resume();
  expect(await spawned?.exit).toEqual({ exitCode: 3 });
});

describe("a step's process", () => {
  test("ends with its code or its signal, and with all that it wrote", async () => {
    expect(await sh("echo out; echo err >&2; exit 7")).toMatchObject({ exitCode: 7, stdout: "out\n", stderr: "err\n" });
    expect(await sh("kill -KILL $$")).toMatchObject({ signal: "SIGKILL" });
    const { stdout } = await sh("head -c 3000000 /dev/zero | tr '\\0' x");
    expect(stdout).toHaveLength(3_000_000);
  });

  test("is a session and group of its own, with closed stdin, in its folder, with exactly its environment", async () => {
    const { stdout, pid } = await sh("read -r _ _ _ _ group session _ < /proc/$$/stat; echo $group $session; cat; pwd -P; env", {
      env: { ...env, NAME: "ä\u{1F600} = 'x'\ny" },
    });
    const [ids, directory, ...variables] = stdout.split("\n");
    if (process.platform === "linux") expect(ids).toBe(`${pid} ${pid}`);
    expect(directory).toBe(folder);
    expect(variables.join("\n")).toContain("NAME=ä\u{1F600} = 'x'\ny\n");
    expect(variables.join("\n")).not.toContain("HOME=");
  });

  test("finds no signal ignored, though Node ignores SIGPIPE", async () => {
    const { exitCode } = await sh("(yes; exit $?) | true; trap - PIPE; sh -c 'kill -PIPE $$'");
    expect(exitCode).toBe(141);
  });

  test.runIf(process.platform === "linux")("opens its streams by name", async () => {
    expect(await sh("echo a > /dev/stdout; echo b > /dev/stderr; echo c | tee /dev/stderr")).toMatchObject({
      stdout: "a\nc\n",
      stderr: "b\nc\n",
      exitCode: 0,
    });
  });

  test("is waited for when it has closed its streams", async () => {
    expect(await sh("exec >&- 2>&-; i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done; exit 4")).toMatchObject({ exitCode: 4 });
  });

  test("is not waited for by what it left behind", async () => {
    const { stdout, exitCode } = await sh("sleep 60 & echo $!", { drainMs: 10 });
    process.kill(Number(stdout), "SIGKILL");
    expect(exitCode).toBe(0);
  });

  test("each of many at once gets its own end, beside children of Node", async () => {
    const codes = Array.from({ length: 60 }, (_, index) => index);
    // A name without a folder is looked up by Node.
    const ends = await Promise.all(codes.map((code) => run({ command: code % 3 === 0 ? "sh" : "/bin/sh", args: ["-c", `exit ${code}`] })));
    expect(ends.map(({ exitCode }) => exitCode)).toEqual(codes);
  });

  test("a script without a first line for the kernel is one of sh", async () => {
    const script = join(folder, "plain");
    writeFileSync(script, "echo plain\n");
    chmodSync(script, 0o755);
    expect(await run({ command: script })).toMatchObject({ stdout: "plain\n", exitCode: 0 });
  });

  test("an environment of a megabyte arrives", async () => {
    const many = Object.fromEntries(Array.from({ length: 16 }, (_, index) => [`BIG_${index}`, "x".repeat(64 * 1024)]));
    expect(await sh(`echo \${#BIG_0} \${#BIG_15}`, { env: { ...env, ...many } })).toMatchObject({ stdout: "65536 65536\n" });
  });

  test("what cannot be started says why", async () => {
    await expect(run({ command: join(folder, "missing") })).rejects.toThrow("ENOENT");
    await expect(sh("true", { cwd: join(folder, "missing") })).rejects.toThrow("ENOENT");
    await expect(run({ command: folder })).rejects.toThrow("EACCES");
    await expect(sh("true", { env: { ...env, BIG: "x".repeat(3_000_000) } })).rejects.toThrow("E2BIG");
    expect(() => startProcess({ command: "/bin/sh", args: [], cwd: folder, env: { NUL: "a\0b" }, drainMs: 1, ...silent })).toThrow(
      "null bytes",
    );
  });
});

const silent = { onStdout: () => undefined, onStderr: () => undefined };
