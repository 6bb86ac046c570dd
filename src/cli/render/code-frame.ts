// A diagnostic as `file:line:column: message` with the lines around it.

import type { Diagnostic } from "../../model/plan.ts";
import { plainText } from "./safe-text.ts";
import type { Style } from "./style.ts";
import { textWidth } from "./text-width.ts";

const LINES_BEFORE = 2;
const LINES_AFTER = 1;
/** Longer lines are shown from here on, so that the column is seen. */
const WIDEST_LINE = 120;

export function formatDiagnostic(diagnostic: Diagnostic, source: string | undefined, style: Style): string {
  const { at, severity, file, message, help } = diagnostic;
  const place = at === undefined ? file : `${file}:${at.line}:${at.column}`;
  const word = severity === "error" ? style.red("error") : style.yellow("warning");
  return [
    `${style.bold(plainText(place))}: ${word}: ${message.split("\n").map(plainText).join("\n  ")}`,
    ...(source === undefined || at === undefined ? [] : frameOf(source, at, style)),
    ...(help === undefined ? [] : [`  ${style.dim("see")} ${plainText(help)}`]),
  ].join("\n");
}

function frameOf(source: string, at: { readonly line: number; readonly column: number }, style: Style): readonly string[] {
  const first = Math.max(1, at.line - LINES_BEFORE);
  const lines = linesBetween(source, first, at.line + LINES_AFTER);
  const target = lines[at.line - first];
  if (target === undefined) return [];
  const gutter = String(first + lines.length - 1).length;
  const start = at.column > WIDEST_LINE - 20 ? at.column - 60 : 0;
  const cut = (line: string) => plainText(line.replace(/\t/g, " ").slice(start, start + WIDEST_LINE));
  const pointer = " ".repeat(textWidth(plainText(target.replace(/\t/g, " ").slice(start, at.column - 1))));
  return lines.flatMap((line, index) => {
    const number = first + index;
    const isTarget = number === at.line;
    const shown = `${isTarget ? style.red(">") : " "} ${style.dim(`${String(number).padStart(gutter)} |`)} ${cut(line)}`.trimEnd();
    return isTarget ? [shown, `  ${" ".repeat(gutter)} ${style.dim("|")} ${pointer}${style.red("^")}`] : [shown];
  });
}

/** Without splitting the whole file: it may be large. */
function linesBetween(source: string, from: number, to: number): string[] {
  const lines: string[] = [];
  let start = 0;
  for (let number = 1; number <= to; number += 1) {
    const end = source.indexOf("\n", start);
    if (number >= from) lines.push(source.slice(start, end === -1 ? undefined : end).replace(/\r$/, ""));
    if (end === -1) break;
    start = end + 1;
  }
  return lines;
}
