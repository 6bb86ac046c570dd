// B22: the time a step waited for its slot, the time it ran, and the time it kept the job from going on, each for itself.

import type { StepKind, StepView } from "../../model/run-view.ts";
import { between, duration } from "./duration.ts";

const COLUMN = 9;
export const TIME_HEADINGS = ["waited", "ran", "blocked"].map((heading) => heading.padStart(COLUMN)).join("");

/** A step that holds the job up and runs nothing itself. */
export function isControl(kind: StepKind): boolean {
  return kind === "wait" || kind === "wait-all" || kind === "cancel" || kind === "parallel";
}

export function timesColumns(step: StepView, now: number): string {
  const { waitedMs, ranMs, blockedMs } = timesOf(step, now);
  return columnsOf([waitedMs, ranMs, blockedMs]);
}

export function columnsOf(times: readonly (number | undefined)[]): string {
  return times.map((time) => (time === undefined ? "-" : duration(time)).padStart(COLUMN)).join("");
}

interface StepTimes {
  readonly waitedMs: number | undefined;
  readonly ranMs: number | undefined;
  readonly blockedMs: number | undefined;
}

/** What has not ended counts up to now; what cannot have a time has none. */
export function timesOf(step: StepView, now: number): StepTimes {
  if (step.status === "completed") {
    if (step.conclusion === "skipped") return { waitedMs: undefined, ranMs: undefined, blockedMs: undefined };
    return {
      waitedMs: step.background ? step.timing.waitedMs : undefined,
      ranMs: isControl(step.kind) || step.startedAt === null ? undefined : step.timing.ranMs,
      blockedMs: isControl(step.kind) ? step.timing.blockedMs : undefined,
    };
  }
  const running = step.status === "interrupted" ? undefined : between(step.startedAt, null, now);
  return {
    waitedMs: step.background ? between(step.queuedAt, step.startedAt, now) : undefined,
    ranMs: isControl(step.kind) ? undefined : running,
    blockedMs: isControl(step.kind) ? running : undefined,
  };
}
