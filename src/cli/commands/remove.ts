import { SignalboxError } from "../../model/errors.ts";
import type { CommandContext } from "../command-context.ts";
import { EXIT } from "../exit-codes.ts";
import { sessionEnvironment } from "../workflow-file/repository.ts";

export async function remove(runs: readonly string[], options: { readonly state?: string }, context: CommandContext): Promise<number> {
  const sessions = await context.openSessions(sessionEnvironment(context, options.state));
  // All are looked up before the first is removed: a mistyped id removes nothing.
  const found = await Promise.all(runs.map((run) => sessions.find(run)));
  for (const id of new Set(found.map((run) => run.id))) {
    await sessions.remove(id);
    context.terminal.write(`Removed ${id}\n`);
  }
  return EXIT.success;
}

export interface PruneOptions {
  readonly keep?: number;
  readonly olderThan?: number;
  readonly state?: string;
}

export async function prune(options: PruneOptions, context: CommandContext): Promise<number> {
  if (options.keep === undefined && options.olderThan === undefined) {
    throw new SignalboxError(
      "INVALID_ARGUMENT",
      "prune needs to know what may go: --keep N keeps the newest N runs, --older-than D removes what ended longer ago, such as 7d.",
    );
  }
  const sessions = await context.openSessions(sessionEnvironment(context, options.state));
  const removed = await sessions.prune({
    ...(options.keep === undefined ? {} : { keep: options.keep }),
    ...(options.olderThan === undefined ? {} : { olderThanMs: options.olderThan }),
  });
  context.terminal.write(removed.length === 0 ? "Nothing to remove.\n" : removed.map((id) => `Removed ${id}\n`).join(""));
  return EXIT.success;
}
