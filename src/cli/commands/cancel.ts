import type { CommandContext } from "../command-context.ts";
import { EXIT } from "../exit-codes.ts";
import { runEnd } from "../render/run-end.ts";
import { styleFor } from "../render/style.ts";
import { sessionEnvironment } from "../workflow-file/repository.ts";
import { commandSuffix } from "./command-suffix.ts";

/** Success is that the run is cancelled or has been asked to; how it ends is the exit code of its own command. */
export async function cancel(run: string, options: { readonly state?: string }, context: CommandContext): Promise<number> {
  const { terminal } = context;
  const sessions = await context.openSessions(sessionEnvironment(context, options.state));
  const { id, directory } = await sessions.find(run);
  const outcome = await sessions.cancel(id);
  if (outcome === "requested") {
    terminal.write(
      `Run ${id} was asked to cancel: its always() and post steps still run. Watch it: signalbox logs ${id} -f${commandSuffix(options)}\n`,
    );
    return EXIT.success;
  }
  const style = styleFor(terminal.hasColor);
  terminal.write(await runEnd(outcome.view, { style, directory, now: context.now(), commandSuffix: commandSuffix(options) }));
  return outcome.conclusion === "cancelled" ? EXIT.success : outcome.exitCode;
}
