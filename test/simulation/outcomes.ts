// E15: what a simulation came to, in words that do not depend on times, drawn ids, the order of concurrent resolutions and
// the attempts of what was in flight.

import type { HistoryEvent } from "../../src/model/events.ts";
import type { ActivityInput, ActivityResult, ProgramOutput } from "./interpreter.ts";
import type { Ledger } from "./ledger.ts";
import type { Plan, ProgramInput } from "./program.ts";

export interface InstanceOutcome {
  status: string;
  output: string;
  customStatus: string;
  /** By round and node of the program: what each activity and child came to, where it has. */
  readonly resolutions: Map<string, string>;
}

/** By the path of each program. */
export type Outcomes = ReadonlyMap<string, InstanceOutcome>;

export function outcomesOf(ledger: Ledger): Outcomes {
  const outcomes = new Map<string, InstanceOutcome>();
  for (const { history, customStatus } of [...ledger.past, ...ledger.instances.values()]) addHistory(outcomes, history, customStatus);
  return outcomes;
}

/** The first difference, if any. Racy programs, and how far a terminated one got, are free to differ. */
export function e15SameAsUndisturbed(plan: Plan, disturbed: Outcomes, undisturbed: Outcomes): string | undefined {
  for (const { instanceId, isRacy, isTerminated, replacement } of plan.roots) {
    if (isRacy || replacement !== undefined) continue;
    const isOfRoot = (path: string): boolean =>
      path === instanceId || path === `${instanceId}+` || path.startsWith(`${instanceId}/`) || path.startsWith(`${instanceId}+/`);
    const paths = new Set([...disturbed.keys(), ...undisturbed.keys()].filter(isOfRoot));
    for (const path of paths) {
      if (isTerminated && path.startsWith(`${instanceId}/`)) continue;
      const difference = differ(disturbed.get(path), undisturbed.get(path), isTerminated && path === instanceId);
      if (difference !== undefined) return `program ${path}: ${difference}`;
    }
  }
  return undefined;
}

function differ(a: InstanceOutcome | undefined, b: InstanceOutcome | undefined, isEndOnly: boolean): string | undefined {
  if (a === undefined || b === undefined) return `ran only ${a === undefined ? "undisturbed" : "disturbed"}`;
  if (a.status !== b.status) return `ended as ${a.status}, undisturbed as ${b.status}`;
  if (a.output !== b.output) return `came to ${a.output}, undisturbed to ${b.output}`;
  if (isEndOnly) return undefined;
  if (a.customStatus !== b.customStatus) return `says ${a.customStatus}, undisturbed ${b.customStatus}`;
  for (const [name, resolution] of a.resolutions) {
    const other = b.resolutions.get(name);
    if (other !== undefined && other !== resolution) return `${name} came to ${resolution}, undisturbed to ${other}`;
  }
  return undefined;
}

function addHistory(outcomes: Map<string, InstanceOutcome>, history: readonly HistoryEvent[], customStatus: string | undefined): void {
  const input = inputOf(history);
  if (input === undefined) return;
  const outcome: InstanceOutcome = outcomes.get(input.path) ?? { status: "none", output: "", customStatus: "", resolutions: new Map() };
  outcomes.set(input.path, outcome);
  outcome.customStatus = customStatus ?? "none";
  const asked = new Map<number, string>();
  for (const event of history) {
    if (event.kind === "TaskScheduled") asked.set(event.eventId, `${input.round}.${nodeOf(event.input)}`);
    else if (event.kind === "SubOrchestrationInstanceCreated") asked.set(event.eventId, `${input.round}.${childNodeOf(event.input)}`);
    else if ("taskScheduledId" in event) outcome.resolutions.set(asked.get(event.taskScheduledId) ?? "?", resolutionOf(event));
    else if (event.kind === "ExecutionCompleted" && event.status !== "ContinuedAsNew") {
      outcome.status = event.status;
      outcome.output = event.failure === undefined ? outputOf(event.result) : `failed: ${event.failure.message}`;
    }
  }
}

function resolutionOf(event: HistoryEvent): string {
  if (event.kind === "TaskCompleted") return String((JSON.parse(event.result ?? "{}") as ActivityResult).value);
  if (event.kind === "SubOrchestrationInstanceCompleted") return outputOf(event.result);
  // A timeout's message tells the attempt.
  return "failure" in event && event.failure !== undefined ? event.failure.type : "";
}

function outputOf(result: string | undefined): string {
  const output: unknown = JSON.parse(result ?? "null");
  return typeof output === "object" && output !== null && "results" in output
    ? JSON.stringify((output as ProgramOutput).results)
    : JSON.stringify(output);
}

function inputOf(history: readonly HistoryEvent[]): ProgramInput | undefined {
  const started = history.find((event) => event.kind === "ExecutionStarted");
  return started?.input === undefined ? undefined : (JSON.parse(started.input) as ProgramInput);
}

const nodeOf = (input: string | undefined): number => (JSON.parse(input ?? "{}") as ActivityInput).node;
const childNodeOf = (input: string | undefined): number => (JSON.parse(input ?? "{}") as ProgramInput).program.node;
