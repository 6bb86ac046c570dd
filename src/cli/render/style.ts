// Colours, spinner and marks: the words of the picture. Without colour every mark still differs in shape.

import type { Conclusion, RunStatus } from "../../model/run-view.ts";

export type Paint = (text: string) => string;

export interface Style {
  readonly hasColor: boolean;
  readonly bold: Paint;
  readonly dim: Paint;
  readonly red: Paint;
  readonly green: Paint;
  readonly yellow: Paint;
  readonly cyan: Paint;
}

export function styleFor(hasColor: boolean): Style {
  const paint = (open: number, close: number) => (text: string) =>
    hasColor && text !== "" ? `\u001b[${open}m${text}\u001b[${close}m` : text;
  return {
    hasColor,
    bold: paint(1, 22),
    dim: paint(2, 22),
    red: paint(31, 39),
    green: paint(32, 39),
    yellow: paint(33, 39),
    cyan: paint(36, 39),
  };
}

export const SPINNER = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"] as const;
export const SPINNER_INTERVAL_MS = 100;

export interface Mark {
  readonly text: string;
  readonly paint: Paint;
}

/** One cell each. `frame` turns the spinner; without it a running thing stands still. */
export function markOf(status: RunStatus, conclusion: Conclusion | null, style: Style, frame?: number): Mark {
  switch (status) {
    case "queued":
      return { text: "·", paint: style.dim };
    case "waiting":
      return { text: "⏸", paint: style.yellow };
    case "interrupted":
      return { text: "!", paint: style.yellow };
    case "in_progress":
      return { text: frame === undefined ? "▸" : (SPINNER[frame % SPINNER.length] ?? "▸"), paint: style.cyan };
    case "completed":
      return conclusionMark(conclusion, style);
    default:
      return status satisfies never;
  }
}

function conclusionMark(conclusion: Conclusion | null, style: Style): Mark {
  switch (conclusion) {
    case "success":
      return { text: "✓", paint: style.green };
    case "failure":
      return { text: "✗", paint: style.red };
    case "timed_out":
      return { text: "✗", paint: style.red };
    case "cancelled":
      return { text: "⊘", paint: style.yellow };
    case "skipped":
      return { text: "-", paint: style.dim };
    case null:
      return { text: "?", paint: style.dim };
    default:
      return conclusion satisfies never;
  }
}

/** GitHub's words, for people. */
export function conclusionWord(conclusion: Conclusion | null): string {
  switch (conclusion) {
    case "success":
      return "succeeded";
    case "failure":
      return "failed";
    case "timed_out":
      return "timed out";
    case "cancelled":
      return "cancelled";
    case "skipped":
      return "skipped";
    case null:
      return "ended";
    default:
      return conclusion satisfies never;
  }
}
