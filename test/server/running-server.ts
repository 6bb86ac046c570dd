// `signalbox serve` as a process of a sandbox, and the other commands beside it.

import type { Command, CommandSandbox, Ended, StartOptions } from "../command/command-sandbox.ts";

export interface RunningServer {
  readonly command: Command;
  readonly address: string;
  readonly http: string;
}

const ANY = "127.0.0.1:0";
/** Both ports on one line, as people read them. */
const ADDRESSES = /Task at (\S+), health and metrics at (\S+)\.\n/;

export async function startServer(
  sandbox: CommandSandbox,
  args: readonly string[] = [],
  options: StartOptions = {},
): Promise<RunningServer> {
  const command = signalbox(sandbox, ["serve", "--listen", ANY, "--http", ANY, ...args], options);
  await command.prints("Hubs:");
  const [, address = "", http = ""] = ADDRESSES.exec(command.output) ?? [];
  return { command, address, http: `http://${http}` };
}

export function signalbox(sandbox: CommandSandbox, args: readonly string[], options: StartOptions = {}): Command {
  const environment = { XDG_STATE_HOME: sandbox.state, ...options.environment };
  return sandbox.start(args, { ...options, environment, hasState: false });
}

/** A command that is to succeed; answers its output. */
export async function output(sandbox: CommandSandbox, args: readonly string[], options: StartOptions = {}): Promise<string> {
  const ended = await signalbox(sandbox, args, options).ended;
  if (ended.exitCode !== 0) throw new Error(`signalbox ${args.join(" ")} ended with ${ended.exitCode}:\n${ended.output}${ended.errors}`);
  return ended.output;
}

/** One that is to fail. */
export async function refusal(sandbox: CommandSandbox, args: readonly string[], options: StartOptions = {}): Promise<Ended> {
  const ended = await signalbox(sandbox, args, options).ended;
  if (ended.exitCode === 0) throw new Error(`signalbox ${args.join(" ")} succeeded:\n${ended.output}`);
  return ended;
}
