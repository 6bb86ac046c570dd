// From a started run to its exit code: shows it as asked for, hears the signals, and says at the end what to type next.

import { isSignalboxError, SignalboxError } from "../model/errors.ts";
import type { StreamedEvent } from "../model/run-view.ts";
import type { CommandContext } from "./command-context.ts";
import type { Ui } from "./options/ui.ts";
import { eventJson } from "./render/event-json.ts";
import { EventLines } from "./render/event-lines.ts";
import { LiveTree } from "./render/live-tree.ts";
import { pictureOf } from "./render/picture.ts";
import { runEnd } from "./render/run-end.ts";
import { plainText } from "./render/safe-text.ts";
import { type Style, styleFor } from "./render/style.ts";
import type { RunOutcome, RunSession } from "./session/session.ts";
import { StopRequests } from "./stop-requests.ts";

export interface WatchOptions {
  readonly ui: Ui;
  readonly commandSuffix: string;
}

interface Display {
  onEvent(event: StreamedEvent): void;
  say(text: string): void;
  /** What stands on the screen for good. */
  close(): void;
}

/** `start` is called with the signals already heard. */
export async function watchRun(start: () => Promise<RunSession>, options: WatchOptions, context: CommandContext): Promise<number> {
  const { terminal } = context;
  using stops = new StopRequests({ terminal, leave: context.leave });
  const session = await start();
  const style = styleFor(terminal.hasColor);
  const outcome = await showUntilDone(session, displayFor(options.ui, session, style, context), stops).catch((error: unknown) => {
    throw withNextCommand(error, `signalbox resume ${session.runId}${options.commandSuffix}`);
  });
  if (options.ui === "tree" || options.ui === "stream") {
    const end = { style, directory: session.directory, now: context.now(), commandSuffix: options.commandSuffix };
    terminal.write(await runEnd(outcome.view, end));
  }
  return outcome.exitCode;
}

/** What ends a run's process leaves the run interrupted, and whoever reads the error has to know its name. */
function withNextCommand(error: unknown, command: string): unknown {
  if (!isSignalboxError(error)) return error;
  return new SignalboxError(error.code, `${error.message}\n${command} goes on with the run.`, { cause: error });
}

async function showUntilDone(session: RunSession, display: Display, stops: StopRequests): Promise<RunOutcome> {
  try {
    session.onEvent((event) => display.onEvent(event));
    stops.attach(session, (text) => display.say(text));
    return await session.done;
  } finally {
    display.close();
  }
}

function displayFor(ui: Ui, session: RunSession, style: Style, context: CommandContext): Display {
  const { terminal } = context;
  const nameOf = (jobKey: string, stepKey?: string) => {
    const job = session.view().jobs.find((one) => one.key === jobKey);
    return stepKey === undefined ? job?.name : job?.steps.find((one) => one.key === stepKey)?.name;
  };
  const sayAside = (text: string) => terminal.writeError(`${text}\n`);
  switch (ui) {
    case "json":
      return { onEvent: (event) => terminal.write(eventJson(event)), say: sayAside, close: () => {} };
    case "none":
      return { onEvent: () => {}, say: sayAside, close: () => {} };
    case "stream":
      return lineDisplay(new EventLines({ style, hasLogs: true, nameOf }), context);
    case "tree":
      return terminal.isLive
        ? treeDisplay(session, style, context)
        : lineDisplay(new EventLines({ style, hasLogs: false, nameOf }), context);
    default:
      return ui satisfies never;
  }
}

function lineDisplay(lines: EventLines, { terminal }: CommandContext): Display {
  return {
    onEvent(event) {
      const text = lines.linesOf(event).join("\n");
      if (text !== "") terminal.write(`${text}\n`);
    },
    say: (text) => terminal.write(`${text}\n`),
    close: () => {},
  };
}

function treeDisplay(session: RunSession, style: Style, { terminal, now }: CommandContext): Display {
  const tree = new LiveTree({ terminal, style, view: () => session.view(), now });
  return {
    onEvent(event) {
      if (event.type === "run.notice") tree.print(`${style.yellow(`note: ${plainText(event.message)}`)}\n`);
    },
    say: (text) => tree.print(`${style.yellow(text)}\n`),
    close() {
      tree.close();
      const lines = pictureOf(session.view(), { columns: terminal.columns(), now: now(), style });
      terminal.write(`${lines.join("\n")}\n`);
    },
  };
}
