// What users install: the packed tarball, in an empty project, with its own types, library and command.

import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, watch, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const root = fileURLToPath(new URL("../..", import.meta.url));
const scratch = mkdtempSync(join(tmpdir(), "signalbox-package-"));
const project = join(scratch, "project");
const state = join(scratch, "state");
const npm = { ...process.env, PATH: `${dirname(process.execPath)}${delimiter}${process.env["PATH"] ?? ""}` };

beforeAll(() => {
  execFileSync(process.execPath, [join(root, "scripts", "build.ts")], { cwd: root, stdio: "pipe" });
  const packed = execFileSync("npm", ["pack", "--json", "--ignore-scripts", "--pack-destination", scratch], {
    cwd: root,
    env: npm,
    encoding: "utf8",
  });
  const tarball = /"filename":\s*"([^"]+)"/.exec(packed)?.[1];
  expect(tarball).toBeDefined();
  mkdirSync(project);
  writeFileSync(join(project, "package.json"), JSON.stringify({ name: "empty", private: true, type: "module" }));
  execFileSync("npm", ["install", "--no-audit", "--no-fund", join(scratch, tarball ?? "")], { cwd: project, env: npm, stdio: "pipe" });
}, 300_000);

afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const PROGRAM = `
import { defineActivity, defineOrchestrator, openEngine, openSqliteStore } from "signalbox";

const double = defineActivity("double", async (context, input: { readonly value: number }) => ({ value: input.value * 2, attempt: context.attempt }));
const chain = defineOrchestrator("chain", async (context, input: { readonly start: number }) => {
  const first = await context.callActivity(double, { value: input.start });
  const second = await context.callActivity(double, { value: first.value });
  return { result: second.value };
});

await using engine = await openEngine({ store: await openSqliteStore({ path: process.argv[2] ?? "" }), orchestrators: [chain], activities: [double] });
const id = await engine.start(chain, { start: 10 }, { instanceId: "one" });
const state = await engine.waitForCompletion(id);
console.log(JSON.stringify(state.output));
`;

describe("the packed package", () => {
  test("type-checks and runs a program that embeds the engine", () => {
    writeFileSync(join(project, "program.ts"), PROGRAM);
    writeFileSync(join(project, "wrong.ts"), PROGRAM.replace("{ value: input.start }", "{ value: 'text' }"));
    const check = (file: string) =>
      spawnSync(
        join(root, "node_modules", ".bin", "tsc"),
        [
          "--noEmit",
          "--strict",
          "--exactOptionalPropertyTypes",
          "--module",
          "nodenext",
          "--target",
          "es2024",
          "--lib",
          "es2024,esnext.disposable",
          "--types",
          "node",
          "--typeRoots",
          join(root, "node_modules", "@types"),
          file,
        ],
        { cwd: project, encoding: "utf8" },
      );
    expect(check("program.ts").stdout).toBe("");
    expect(check("wrong.ts").stdout).toContain("Type 'string' is not assignable to type 'number'");
    const output = execFileSync(process.execPath, ["program.ts", join(scratch, "embedded.db")], { cwd: project, encoding: "utf8" });
    expect(JSON.parse(output)).toEqual({ result: 40 });
  });

  test("runs an example, is killed, and goes on from the very step", async () => {
    const marks = join(scratch, "marks");
    mkdirSync(marks);
    const workflow = join(project, "kill.yml");
    writeFileSync(
      workflow,
      [
        "on: push",
        "jobs:",
        "  job:",
        "    runs-on: ubuntu-latest",
        "    steps:",
        `      - run: echo first >> ${marks}/first; echo kept=yes >> "$GITHUB_OUTPUT"`,
        "        id: one",
        `      - run: echo second >> ${marks}/second; if [ ! -e ${marks}/go ]; then sleep 1000; fi`,
        `      - run: echo "\${{ steps.one.outputs.kept }}" > ${marks}/third`,
        "",
      ].join("\n"),
    );
    const command = join(project, "node_modules", ".bin", "signalbox");
    const environment = { ...npm, XDG_STATE_HOME: state, XDG_DATA_HOME: join(scratch, "data"), NO_COLOR: "1" };
    const child = spawn(command, ["run", workflow], { cwd: project, env: environment, stdio: ["ignore", "pipe", "pipe"] });
    await fileAppears(marks, "second", child);
    child.kill("SIGKILL");
    await new Promise((resolve) => child.once("close", resolve));
    writeFileSync(join(marks, "go"), "");
    const resumed = spawnSync(command, ["resume"], { cwd: project, env: environment, encoding: "utf8" });
    expect(`${resumed.stdout}${resumed.stderr}`).not.toContain("at file:");
    expect(resumed.status).toBe(0);
    expect(readFileSync(join(marks, "first"), "utf8")).toBe("first\n");
    expect(readFileSync(join(marks, "second"), "utf8")).toBe("second\nsecond\n");
    expect(readFileSync(join(marks, "third"), "utf8")).toBe("yes\n");
  });

  test("runs a server, with nothing installed but itself", async () => {
    const command = join(project, "node_modules", ".bin", "signalbox");
    const environment = { ...npm, XDG_STATE_HOME: state };
    const served = spawn(command, ["serve", "--listen", "127.0.0.1:0", "--http", "off"], {
      env: environment,
      stdio: ["ignore", "pipe", "pipe"],
    });
    const ended = new Promise((resolve) => served.once("close", resolve));
    const address = await printed(served, /Task at ([\d.:]+)\./);
    const listed = spawnSync(command, ["instances", "list", "--json", "--server", address], { env: environment, encoding: "utf8" });
    served.kill("SIGTERM");
    expect(JSON.parse(listed.stdout)).toEqual({ schemaVersion: 1, instances: [], next: null });
    expect(await ended).toBe(0);
  });

  test("carries the licences of what is bundled, and no source maps or tests", () => {
    const installed = join(project, "node_modules", "signalbox");
    const licences = readFileSync(join(installed, "dist", "THIRD-PARTY-LICENSES.txt"), "utf8");
    for (const bundled of ["@actions/workflow-parser", "@grpc/grpc-js", "pg", "pino"]) expect(licences).toContain(`\n${bundled} `);
    expect(existsSync(join(installed, "src"))).toBe(false);
  });
});

/** What the group of the pattern found in the output; rejects if the process ends before. */
function printed(process: ChildProcess, pattern: RegExp): Promise<string> {
  return new Promise((resolve, reject) => {
    let output = "";
    const heard = (chunk: unknown): void => {
      output += String(chunk);
      const found = pattern.exec(output)?.[1];
      if (found !== undefined) resolve(found);
    };
    process.stdout?.on("data", heard);
    process.stderr?.on("data", heard);
    process.once("close", () => reject(new Error(`the command ended before it printed that:\n${output}`)));
  });
}

/** Resolves when a file is there; rejects if the process ends before. */
function fileAppears(directory: string, name: string, process: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    let output = "";
    process.stdout?.on("data", (chunk) => (output += String(chunk)));
    process.stderr?.on("data", (chunk) => (output += String(chunk)));
    const watcher = watch(directory, () => look());
    const look = () => {
      if (!existsSync(join(directory, name))) return;
      watcher.close();
      resolve();
    };
    process.once("exit", (code) => {
      watcher.close();
      reject(new Error(`the command ended with ${code} before ${name} was there:\n${output}`));
    });
    look();
  });
}
