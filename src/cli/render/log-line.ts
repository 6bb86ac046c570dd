// A line of a step's log as a person reads it: the runner's markers (`##[group]`, `##[error]`) become what they mean.

import { logText } from "./safe-text.ts";
import type { Style } from "./style.ts";

const MARKER = /^##\[(group|endgroup|error|warning|notice|debug|command|section)\](.*)$/;

/** Undefined for a line that only ends a group. */
export function logLine(line: string, style: Style): string | undefined {
  const text = logText(line, style.hasColor);
  const [, marker, rest = ""] = MARKER.exec(text) ?? [];
  switch (marker) {
    case undefined:
      return text;
    case "endgroup":
      return undefined;
    case "group":
      return style.bold(`▾ ${rest}`);
    case "error":
      return style.red(`error: ${rest}`);
    case "warning":
      return style.yellow(`warning: ${rest}`);
    case "command":
      return style.cyan(rest);
    default:
      return `${marker}: ${rest}`;
  }
}
