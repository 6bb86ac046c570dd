// Instances for people: a table, one of them whole, its history.

import type { InstanceState } from "../../loops/engine.ts";
import type { HistoryEvent } from "../../model/events.ts";
import type { OrchestrationStatus } from "../../model/status.ts";
import { isTerminal } from "../../model/status.ts";
import type { CommandContext } from "../command-context.ts";
import { ago, duration } from "../render/duration.ts";
import { plainText } from "../render/safe-text.ts";
import { type Mark, type Style, styleFor } from "../render/style.ts";
import { type Cell, table } from "../render/table.ts";

/** Characters of a payload in a line. */
const SHORT = 80;

export function instanceTable(instances: readonly InstanceState[], { terminal, now }: CommandContext): string {
  const style = styleFor(terminal.hasColor);
  const rows = instances.map((instance): readonly Cell[] => {
    const mark = markOf(instance, style);
    const { status, stalled, createdAt } = instance;
    return [
      { text: `${mark.text} ${stalled === undefined ? status.toLowerCase() : "stalled"}`, paint: mark.paint },
      { text: plainText(instance.instanceId) },
      { text: plainText(instance.name) },
      { text: status === "Pending" ? "" : duration(tookMs(instance, now())) },
      { text: ago(createdAt.toISOString(), now()), paint: style.dim },
      { text: plainText(stalled ?? ""), paint: style.yellow },
    ];
  });
  return table(["STATUS", "INSTANCE", "NAME", "TIME", "CREATED", "STANDS STILL BECAUSE"], rows, {
    columns: terminal.columns(),
    flexible: 5,
    style,
  });
}

export function instanceText(instance: InstanceState, { terminal, now }: CommandContext): string {
  const style = styleFor(terminal.hasColor);
  const { status, stalled, failure, tags } = instance;
  const mark = markOf(instance, style);
  const tagText = Object.entries(tags)
    .map(([name, value]) => `${name}=${value}`)
    .join(" ");
  const lines: readonly (readonly [string, string | undefined])[] = [
    ["name", instance.version === undefined ? instance.name : `${instance.name} ${instance.version}`],
    ["execution", instance.executionId],
    ["parent", instance.parentInstanceId],
    ["created", timeText(instance.createdAt, now())],
    ["last turn", timeText(instance.updatedAt, now())],
    ["ended", instance.completedAt === undefined ? undefined : timeText(instance.completedAt, now())],
    ["events", instance.historyLength?.toString()],
    ["tags", tagText === "" ? undefined : tagText],
    ["input", payloadText(instance.input)],
    ["output", payloadText(instance.output)],
    ["custom status", payloadText(instance.customStatus)],
    ["failure", failure === undefined ? undefined : `${failure.type}: ${failure.message}`],
  ];
  const head = mark.paint(`${mark.text} ${plainText(instance.instanceId)} ${status.toLowerCase()}`);
  const still = stalled === undefined ? [] : [style.yellow(`  stands still because ${plainText(stalled)}`)];
  const told = lines.flatMap(([label, text]) => (text === undefined ? [] : [`  ${style.dim(label.padEnd(14))}${plainText(text)}`]));
  return [head, ...still, ...told].join("\n");
}

/** `12  10:31:07.123  TaskScheduled 3  charge  input={"amount":5}` */
export function eventText(event: HistoryEvent, position: number, style: Style): string {
  const { kind, eventId, timestamp, ...fields } = event;
  const id = eventId >= 0 ? ` ${eventId}` : "";
  const more = Object.entries(fields).flatMap(([name, value]) =>
    value === undefined ? [] : [`${style.dim(`${name}=`)}${fieldText(name, value)}`],
  );
  const at = style.dim(new Date(timestamp).toISOString().slice(0, 23).replace("T", " "));
  return [String(position).padStart(5), at, `${kind}${id}`, ...more].join("  ");
}

function fieldText(name: string, value: unknown): string {
  if (typeof value === "number" && name.endsWith("At")) return new Date(value).toISOString();
  return short(typeof value === "string" ? value : JSON.stringify(value));
}

function payloadText(value: unknown): string | undefined {
  return value === undefined ? undefined : JSON.stringify(value);
}

function short(text: string): string {
  const plain = plainText(text.length > SHORT * 2 ? text.slice(0, SHORT * 2) : text);
  return plain.length <= SHORT && text.length <= SHORT * 2 ? plain : `${plain.slice(0, SHORT - 1)}… (${text.length} characters)`;
}

function timeText(time: Date, now: number): string {
  return `${time.toISOString()} (${ago(time.toISOString(), now)})`;
}

function tookMs({ status, createdAt, updatedAt, completedAt }: InstanceState, now: number): number {
  const end = completedAt?.getTime() ?? (isTerminal(status) ? updatedAt.getTime() : now);
  return end - createdAt.getTime();
}

function markOf({ status, stalled }: InstanceState, style: Style): Mark {
  return stalled === undefined ? MARKS[status](style) : { text: "!", paint: style.yellow };
}

const MARKS: { readonly [Status in OrchestrationStatus]: (style: Style) => Mark } = {
  Pending: (style) => ({ text: "·", paint: style.dim }),
  Running: (style) => ({ text: "▸", paint: style.cyan }),
  Suspended: (style) => ({ text: "⏸", paint: style.yellow }),
  Completed: (style) => ({ text: "✓", paint: style.green }),
  Failed: (style) => ({ text: "✗", paint: style.red }),
  Canceled: (style) => ({ text: "⊘", paint: style.yellow }),
  Terminated: (style) => ({ text: "⊘", paint: style.yellow }),
};
