// Servers and workers as processes of their own, and a real client beside them.

import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { NoOpLogger, TaskHubGrpcClient } from "@microsoft/durabletask-js";
import { type Done, timed } from "../measure.ts";

const program = (name: string): string => fileURLToPath(new URL(`../programs/${name}.ts`, import.meta.url));

export interface Program extends AsyncDisposable {
  readonly process: ChildProcess;
  /** The first line that it printed. */
  readonly said: string;
}

/** Starts a program of bench/programs and waits for its first line. It ends with its stdin. */
export async function start(name: string, ...args: readonly string[]): Promise<Program> {
  const child = spawn(process.execPath, [program(name), ...args], { stdio: ["pipe", "pipe", "inherit"] });
  const said = await new Promise<string>((resolve, reject) => {
    let output = "";
    child.stdout.on("data", (chunk) => {
      output += String(chunk);
      if (output.includes("\n")) resolve(output.slice(0, output.indexOf("\n")));
    });
    child.once("exit", (code) => reject(new Error(`${name} ended with ${code} before it was ready`)));
  });
  return {
    process: child,
    said,
    async [Symbol.asyncDispose]() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const gone = new Promise((resolve) => child.once("close", resolve));
      child.stdin.end();
      await gone;
    },
  };
}

export const clientOf = (address: string): TaskHubGrpcClient => new TaskHubGrpcClient({ hostAddress: address, logger: new NoOpLogger() });

/** `instances` orchestrations of `steps` sequential activities, started and awaited through the real client. */
export async function runSdkChains(client: TaskHubGrpcClient, instances: number, steps: number): Promise<Done> {
  return await timed(instances * steps, async () => {
    const ids = await Promise.all(Array.from({ length: instances }, () => client.scheduleNewOrchestration("chain", steps)));
    const states = await Promise.all(ids.map((id) => client.waitForOrchestrationCompletion(id, true, 600)));
    const wrong = states.find((state) => state?.serializedOutput !== String(steps));
    if (wrong !== undefined) throw new Error(`a chain of ${steps} ended as ${JSON.stringify(wrong)}`);
  });
}
