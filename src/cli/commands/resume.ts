import { SignalboxError } from "../../model/errors.ts";
import type { RunInputs } from "../../model/run-view.ts";
import type { CommandContext } from "../command-context.ts";
import { EXIT } from "../exit-codes.ts";
import { readSecrets, type SecretOptions } from "../options/secrets.ts";
import type { Ui } from "../options/ui.ts";
import type { ResumeRequest, Sessions } from "../session/session.ts";
import { watchRun } from "../watch-run.ts";
import { sessionEnvironment } from "../workflow-file/repository.ts";
import { commandSuffix } from "./command-suffix.ts";

export interface ResumeOptions extends SecretOptions {
  readonly all?: boolean;
  readonly state?: string;
  readonly onInterrupt?: RunInputs["options"]["onInterrupt"];
  readonly ui: Ui;
}

export async function resume(run: string | undefined, options: ResumeOptions, context: CommandContext): Promise<number> {
  if (run !== undefined && options.all) {
    throw new SignalboxError("INVALID_ARGUMENT", "Give a run or --all, not both.");
  }
  const sessions = await context.openSessions(sessionEnvironment(context, options.state));
  const runIds = options.all
    ? await interrupted(sessions)
    : [run === undefined ? await theInterrupted(sessions) : (await sessions.find(run)).id];
  if (runIds.length === 0) context.terminal.writeError("No run is interrupted.\n");
  let exitCode: number = EXIT.success;
  for (const runId of runIds) {
    const request = await resumeRequest(runId, options, context);
    const ended = await watchRun(() => sessions.resume(request), { ui: options.ui, commandSuffix: commandSuffix(options) }, context);
    // The first that did not go well stands for all; an interruption ends the whole command.
    if (exitCode === EXIT.success) exitCode = ended;
    if (ended === EXIT.interrupted) return ended;
  }
  return exitCode;
}

export async function resumeRequest(
  runId: string,
  options: SecretOptions & { readonly onInterrupt?: RunInputs["options"]["onInterrupt"] },
  context: CommandContext,
): Promise<ResumeRequest> {
  return {
    runId,
    secrets: await readSecrets(options, context.environment, context.workingDirectory),
    ...(options.onInterrupt === undefined ? {} : { onInterrupt: options.onInterrupt }),
    ...(context.terminal.isInteractive ? { askSecret: (name: string) => context.terminal.ask(`Secret ${name}: `, { hidden: true }) } : {}),
  };
}

/** The oldest first: the order in which they were started. */
async function interrupted(sessions: Sessions): Promise<readonly string[]> {
  const runs = await sessions.list();
  return runs
    .filter((run) => run.status === "interrupted")
    .map((run) => run.id)
    .toReversed();
}

async function theInterrupted(sessions: Sessions): Promise<string> {
  const ids = await interrupted(sessions);
  const [only] = ids;
  if (only === undefined) throw new SignalboxError("NOT_FOUND", "No run is interrupted. signalbox list shows the runs of this repository.");
  if (ids.length === 1) return only;
  throw new SignalboxError(
    "INVALID_ARGUMENT",
    `${ids.length} runs are interrupted; name one of them, or give --all:\n${ids.map((id) => `  signalbox resume ${id}`).join("\n")}`,
  );
}
