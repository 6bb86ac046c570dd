// One line of the tree, laid out: mark, label and note on the left, time on the right, never wider than the terminal.

import type { Mark, Style } from "./style.ts";
import { cutToWidth, padToWidth, textWidth } from "./text-width.ts";

export interface TreeLine {
  /** Levels below the jobs. */
  readonly depth: number;
  readonly mark: Mark;
  readonly label: string;
  readonly weight?: "bold" | "dim";
  /** Shown dim behind the label; the first thing to go where it is narrow. */
  readonly note?: string;
  readonly right?: string;
}

/** Beyond it the eye loses the line between a name and its time. */
export const WIDEST = 100;
const NARROWEST_NOTE = 4;

export function layoutLine(line: TreeLine, columns: number, style: Style): string {
  // One cell stays free: a line that fills the last column wraps on some terminals.
  const width = Math.min(columns - 1, WIDEST);
  const lead = "  ".repeat(line.depth);
  const room = width - lead.length - 2;
  if (room < 1) return "";
  const right = textWidth(line.right ?? "") + 8 <= room ? (line.right ?? "") : "";
  const left = room - (right === "" ? 0 : textWidth(right) + 1);
  const label = cutToWidth(line.label, left);
  const noteRoom = left - textWidth(label) - 2;
  const note = line.note !== undefined && noteRoom >= NARROWEST_NOTE ? cutToWidth(line.note, noteRoom) : "";
  const shown = line.weight === undefined ? label : style[line.weight](label);
  const text = `${lead}${line.mark.paint(line.mark.text)} ${shown}${note === "" ? "" : `  ${style.dim(note)}`}`;
  if (right === "") return text;
  const gap = left - textWidth(label) - (note === "" ? 0 : textWidth(note) + 2);
  return `${text}${padToWidth("", gap + 1)}${style.dim(right)}`;
}
