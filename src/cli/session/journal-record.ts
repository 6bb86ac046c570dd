// What stands in a line of the run's event stream on disk.

import type { RunEvent } from "../../model/run-view.ts";

/** How far into each instance's history the stream has come: execution and number of events. */
export type Positions = { readonly [instanceId: string]: readonly [executionId: string, length: number] };

type LogEvent = Extract<RunEvent, { type: "step.log" }>;
/** A line of a step's log as it is kept: `file` and `length` instead of the text. What the engine printed keeps its text. */
export type KeptLog = Omit<LogEvent, "text"> & { readonly file: string; readonly length: number };
export type KeptEvent = RunEvent | KeptLog;

export interface JournalRecord {
  /** Of the first event; the others follow. */
  readonly seq: number;
  readonly at: string;
  readonly events: readonly KeptEvent[];
  readonly positions?: Positions;
}
