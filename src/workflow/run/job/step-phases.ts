// The run-time states of a step that runs something. A foreground step goes through the same states as a background
// one; it takes its slot at once and publishes at its end. The table is complete: "ignored" is an event that comes too
// late to matter, "never" one that the machine around it rules out. docs/spec/background.md explains it.

export const PHASES = ["unreached", "preparing", "queued", "running", "cancelling", "ended", "published"] as const;
export type Phase = (typeof PHASES)[number];

export const STEP_SIGNALS = [
  "Reached",
  "Skipped",
  "Refused",
  "Prepared",
  "SlotTaken",
  "CancelAsked",
  "Dropped",
  "RunEnded",
  "SweepFailed",
  "Published",
] as const;
export type StepSignal = (typeof STEP_SIGNALS)[number];

export type Cell = Phase | "ignored" | "never";

export const TRANSITIONS: { readonly [P in Phase]: { readonly [S in StepSignal]: Cell } } = {
  // B2: nothing of a step is looked at before it is reached.
  unreached: row({ Reached: "preparing" }),
  // B9: skipped is visible at once. B6: a step that cannot start has ended, and counts when it is waited for.
  preparing: row({ Skipped: "published", Refused: "ended", Prepared: "queued" }),
  // B1: it waits for a slot. B11: cancelled here it never starts.
  queued: row({ SlotTaken: "running", Dropped: "ended" }),
  running: row({ CancelAsked: "cancelling", RunEnded: "ended" }),
  // B10: the end of the attempt is the end of the cancel; a sweep that leaves survivors ends the step without it.
  cancelling: row({ CancelAsked: "ignored", RunEnded: "ended", SweepFailed: "ended" }),
  // B4: results wait for the first wait, wait-all or cancel that includes the step.
  ended: row({ Published: "published", RunEnded: "ignored", CancelAsked: "ignored", SweepFailed: "ignored" }),
  // B13: once.
  published: row({ Published: "ignored", RunEnded: "ignored", CancelAsked: "ignored", SweepFailed: "ignored" }),
};

function row(cells: { readonly [S in StepSignal]?: Cell }): { readonly [S in StepSignal]: Cell } {
  const never: { [S in StepSignal]: Cell } = {
    Reached: "never",
    Skipped: "never",
    Refused: "never",
    Prepared: "never",
    SlotTaken: "never",
    CancelAsked: "never",
    Dropped: "never",
    RunEnded: "never",
    SweepFailed: "never",
    Published: "never",
  };
  return { ...never, ...cells };
}

/** The next phase, or the same one for an event that comes too late. */
export function nextPhase(phase: Phase, signal: StepSignal): Phase {
  const cell = TRANSITIONS[phase][signal];
  if (cell === "never") throw new Error(`a step in phase ${phase} cannot see ${signal}`);
  return cell === "ignored" ? phase : cell;
}

export const hasEnded = (phase: Phase): boolean => phase === "ended" || phase === "published";
