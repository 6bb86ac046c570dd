// Where a failed execution's history is cut: before the turn that was told of the failure, and never inside a critical section,
// whose locks went when the execution ended.

import type { HistoryEvent } from "../model/events.ts";
import { isEcho } from "./echo-event.ts";
import { openAfter } from "./state.ts";

/** How many events of the history stay. */
export function cutBeforeFailure(history: readonly HistoryEvent[]): number {
  const failure = firstOfLastFailures(history);
  let cut = turnOf(history, failure ?? history.length - 1);
  for (let lock = firstHeldLock(history, cut); lock !== undefined; lock = firstHeldLock(history, cut)) cut = turnOf(history, lock);
  return cut;
}

/** Failures that arrived without anything new being asked for in between are one: a fan-out fails as a whole. */
function firstOfLastFailures(history: readonly HistoryEvent[]): number | undefined {
  let first: number | undefined;
  for (let index = history.length - 1; index >= 0; index -= 1) {
    const event = history[index];
    if (event === undefined) continue;
    if (isFailure(event)) first = index;
    else if (first !== undefined && isEcho(event)) return first;
  }
  return first;
}

/** The index of the first grant of locks that are held at the end of the prefix. */
function firstHeldLock(history: readonly HistoryEvent[], cut: number): number | undefined {
  const prefix = history.slice(0, cut);
  const { sections } = openAfter(prefix);
  if (sections.size === 0) return undefined;
  const index = prefix.findIndex(
    (event) => event.kind === "EntityLockGranted" && sections.get(event.criticalSectionId)?.isGranted === true,
  );
  return index < 0 ? undefined : index;
}

/** Where the turn begins that an event belongs to. */
function turnOf(history: readonly HistoryEvent[], index: number): number {
  for (let at = index; at > 0; at -= 1) if (history[at]?.kind === "OrchestratorStarted") return at;
  return 0;
}

function isFailure({ kind }: HistoryEvent): boolean {
  return kind === "TaskFailed" || kind === "SubOrchestrationInstanceFailed" || kind === "EntityOperationFailed";
}
