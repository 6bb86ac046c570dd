import type { CommandContext } from "../command-context.ts";
import { EXIT } from "../exit-codes.ts";
import { ago, between, duration } from "../render/duration.ts";
import { plainText } from "../render/safe-text.ts";
import { conclusionWord, markOf, styleFor } from "../render/style.ts";
import { type Cell, table } from "../render/table.ts";
import type { RunSummary } from "../session/session.ts";
import { sessionEnvironment } from "../workflow-file/repository.ts";

export interface ListOptions {
  readonly json?: boolean;
  readonly quiet?: boolean;
  readonly state?: string;
}

export async function list(options: ListOptions, context: CommandContext): Promise<number> {
  const { terminal } = context;
  const sessions = await context.openSessions(sessionEnvironment(context, options.state));
  const runs = await sessions.list();
  if (options.json) terminal.write(`${JSON.stringify(runs, null, 2)}\n`);
  else if (options.quiet) terminal.write(runs.map((run) => `${run.id}\n`).join(""));
  else if (runs.length === 0) terminal.writeError("No runs of this repository yet. Start one: signalbox run FILE.\n");
  else terminal.write(`${listTable(runs, context)}\n`);
  return EXIT.success;
}

function listTable(runs: readonly RunSummary[], { terminal, now }: CommandContext): string {
  const style = styleFor(terminal.hasColor);
  const rows = runs.map((run): readonly Cell[] => {
    const mark = markOf(run.status, run.conclusion, style);
    const took = between(run.createdAt, run.endedAt, now());
    return [
      { text: `${mark.text} ${stateOf(run)}`, paint: mark.paint },
      { text: run.id },
      // A workflow without a name is called by its file.
      { text: run.name === run.file ? "" : plainText(run.name) },
      { text: plainText(run.file), paint: style.dim },
      { text: plainText(run.event) },
      { text: run.status === "interrupted" || took === undefined ? "" : duration(took) },
      { text: ago(run.createdAt, now()), paint: style.dim },
    ];
  });
  return table(["STATUS", "RUN", "NAME", "FILE", "EVENT", "TIME", "STARTED"], rows, { columns: terminal.columns(), flexible: 2, style });
}

function stateOf(run: RunSummary): string {
  return run.status === "completed" ? conclusionWord(run.conclusion) : run.status === "in_progress" ? "running" : run.status;
}
