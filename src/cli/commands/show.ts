import type { RunView } from "../../model/run-view.ts";
import type { CommandContext } from "../command-context.ts";
import { EXIT } from "../exit-codes.ts";
import { ago } from "../render/duration.ts";
import { eventJson } from "../render/event-json.ts";
import { WIDEST } from "../render/line.ts";
import { pictureOf } from "../render/picture.ts";
import { runEnd } from "../render/run-end.ts";
import { plainText } from "../render/safe-text.ts";
import { TIME_HEADINGS } from "../render/step-times.ts";
import { styleFor } from "../render/style.ts";
import type { RunReader } from "../session/session.ts";
import { sessionEnvironment } from "../workflow-file/repository.ts";
import { commandSuffix } from "./command-suffix.ts";

export interface ShowOptions {
  readonly json?: boolean;
  readonly events?: boolean;
  readonly fromSeq?: number;
  readonly state?: string;
}

export async function show(run: string, options: ShowOptions, context: CommandContext): Promise<number> {
  const sessions = await context.openSessions(sessionEnvironment(context, options.state));
  const { id } = await sessions.find(run);
  await using reader = await sessions.read(id);
  if (options.events || options.fromSeq !== undefined) await showEvents(reader, options.fromSeq, context);
  else if (options.json) context.terminal.write(`${JSON.stringify(await reader.view(), null, 2)}\n`);
  else await showTree(reader, options, context);
  return EXIT.success;
}

async function showEvents(reader: RunReader, fromSeq: number | undefined, { terminal }: CommandContext): Promise<void> {
  for await (const event of reader.events(fromSeq === undefined ? {} : { fromSeq })) {
    if (terminal.isOutputGone()) return;
    terminal.write(eventJson(event));
  }
}

async function showTree(reader: RunReader, options: ShowOptions, context: CommandContext): Promise<void> {
  const { terminal } = context;
  const view = await reader.view();
  const style = styleFor(terminal.hasColor);
  const columns = terminal.columns();
  terminal.write(`${heading(view, context)}\n`);
  terminal.write(`${style.dim(TIME_HEADINGS.padStart(Math.min(columns - 1, WIDEST)))}\n`);
  terminal.write(`${pictureOf(view, { columns, now: context.now(), hasColumns: true, style }).join("\n")}\n`);
  const end = { style, directory: reader.summary.directory, now: context.now(), commandSuffix: commandSuffix(options) };
  terminal.write(await runEnd(view, end));
}

function heading(view: RunView, { terminal, now }: CommandContext): string {
  const style = styleFor(terminal.hasColor);
  return [
    style.bold(`run ${view.id}`),
    `${plainText(view.file)}  ${plainText(view.event)}  ${style.dim(`${view.createdAt} (${ago(view.createdAt, now())})`)}`,
  ].join("\n");
}
