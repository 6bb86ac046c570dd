// The built command, in a state directory of the benchmark's own.

import { execFileSync, type SpawnOptions, spawn } from "node:child_process";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { scratch } from "./scratch.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const dist = join(scratch, "dist");
const command = join(dist, "signalbox.js");
export const repository = join(scratch, "repository");
const environment = {
  ...process.env,
  XDG_STATE_HOME: join(scratch, "state"),
  XDG_DATA_HOME: join(scratch, "data"),
  XDG_CACHE_HOME: join(scratch, "cache"),
  NO_COLOR: "1",
};

/** Builds the bundle that is measured. */
export function buildCommand(): void {
  execFileSync(process.execPath, [join(root, "scripts", "build.ts"), "--outdir", dist], {
    cwd: root,
    stdio: ["ignore", "ignore", "inherit"],
  });
  // The native library is not bundled; it is found as in an installed package.
  symlinkSync(join(root, "node_modules"), join(scratch, "node_modules"));
  mkdirSync(repository, { recursive: true });
}

export function workflow(name: string, steps: readonly string[]): string {
  const path = join(repository, `${name}.yml`);
  writeFileSync(
    path,
    ["on: push", "jobs:", "  job:", "    runs-on: ubuntu-latest", "    steps:", ...steps.map((step) => `      ${step}`), ""].join("\n"),
  );
  return path;
}

export interface Finished {
  readonly output: string;
  /** Milliseconds of the wall clock, with fractions. */
  readonly startedAt: number;
  readonly firstOutputAt: number;
  readonly endedAt: number;
}

export function signalbox(args: readonly string[], expectedCode: number | null = 0, options: SpawnOptions = {}): Promise<Finished> {
  return finished(process.execPath, [command, ...args], expectedCode, { env: environment, cwd: repository, ...options });
}

export function finished(program: string, args: readonly string[], expectedCode: number | null, options: SpawnOptions): Promise<Finished> {
  return new Promise((resolve, reject) => {
    const startedAt = performance.timeOrigin + performance.now();
    const child = spawn(program, args, { ...options, stdio: ["ignore", "pipe", "inherit"] });
    let firstOutputAt: number | undefined;
    let output = "";
    child.stdout?.on("data", (chunk) => {
      firstOutputAt ??= performance.timeOrigin + performance.now();
      output += String(chunk);
    });
    child.once("close", (code) => {
      const endedAt = performance.timeOrigin + performance.now();
      if (code === expectedCode) resolve({ output, startedAt, firstOutputAt: firstOutputAt ?? endedAt, endedAt });
      else reject(new Error(`${program} ${args.join(" ")} ended with ${code}; the end of its output:\n${output.slice(-2_000)}`));
    });
  });
}
