// The state machine of an instance: what becomes of each message in each phase. docs/spec/instance.md shows the same table.

import type { Message } from "../model/events.ts";
import type { ExecutionId } from "../model/ids.ts";
import { isTerminal } from "../model/status.ts";
import type { InstanceState, OpenWork } from "./state.ts";

export const PHASES = ["Scheduled", "Pending", "Running", "Suspended", "Stalled", "Ended"] as const;
/** `Scheduled` is a pending instance before its start time; `Stalled` stands over any living status. */
export type Phase = (typeof PHASES)[number];

export const MESSAGE_CLASSES = ["start", "resolution", "stale", "raised", "suspend", "resume", "terminate", "rewind"] as const;
/** `stale` is a resolution of another execution, or of something that is resolved already (E6), or a message for an entity. */
export type MessageClass = (typeof MESSAGE_CLASSES)[number];

/**
 * `take`: the turn gets it. `hold`: it stays where it is. `drop`: consumed without effect. `pause`, `unpause`: recorded, and
 * the phase changes. `retry`: a stalled instance is tried again. `end`: terminated, whatever else waits (E8).
 * `rewind`: one that has failed runs again from before its failure; another tells its parent again how it ended.
 */
export type Verdict = "take" | "hold" | "drop" | "pause" | "unpause" | "retry" | "end" | "rewind";

export const RULES: { readonly [P in Phase]: { readonly [M in MessageClass]: Verdict } } = {
  Scheduled: {
    start: "hold",
    resolution: "hold",
    stale: "drop",
    raised: "hold",
    suspend: "hold",
    resume: "hold",
    terminate: "end",
    rewind: "hold",
  },
  Pending: {
    start: "take",
    resolution: "hold",
    stale: "drop",
    raised: "hold",
    suspend: "hold",
    resume: "hold",
    terminate: "end",
    rewind: "hold",
  },
  Running: {
    start: "drop",
    resolution: "take",
    stale: "drop",
    raised: "take",
    suspend: "pause",
    resume: "drop",
    terminate: "end",
    rewind: "take",
  },
  Suspended: {
    start: "drop",
    resolution: "hold",
    stale: "drop",
    raised: "hold",
    suspend: "drop",
    resume: "unpause",
    terminate: "end",
    rewind: "hold",
  },
  Stalled: {
    start: "hold",
    resolution: "hold",
    stale: "drop",
    raised: "hold",
    suspend: "hold",
    resume: "retry",
    terminate: "end",
    rewind: "hold",
  },
  Ended: {
    start: "drop",
    resolution: "drop",
    stale: "drop",
    raised: "drop",
    suspend: "drop",
    resume: "drop",
    terminate: "drop",
    rewind: "rewind",
  },
};

export function phaseOf(state: InstanceState, now: number): Phase {
  return state.row.stalled !== undefined && !isTerminal(state.row.status) ? "Stalled" : phaseBeneathStall(state, now);
}

/** The phase that a stalled instance takes up again. An execution without history waits for its start, whatever its status. */
export function phaseBeneathStall({ row }: InstanceState, now: number): Phase {
  const { status, scheduledStartAt } = row;
  if (isTerminal(status)) return "Ended";
  if (status === "Pending" && scheduledStartAt !== undefined && scheduledStartAt > now) return "Scheduled";
  return row.historyLength === 0 ? "Pending" : status;
}

/** The turn's time: never before the last turn, nor before a timer that it is given. */
export function turnTime(state: InstanceState, queue: readonly { readonly message: Message }[], now: number): number {
  let time = Math.max(now, state.lastTurnAt);
  for (const { message } of queue) if (message.kind === "TimerFired" && message.fireAt > time) time = message.fireAt;
  return time;
}

export function classify(message: Message, meantFor: ExecutionId | undefined, current: ExecutionId, open: OpenWork): MessageClass {
  const astray = meantFor !== undefined && meantFor !== current;
  switch (message.kind) {
    case "ExecutionStarted":
      return "start";
    case "TaskCompleted":
    case "TaskFailed":
      return !astray && open.tasks.has(message.taskScheduledId) ? "resolution" : "stale";
    case "SubOrchestrationInstanceCompleted":
    case "SubOrchestrationInstanceFailed":
      return !astray && open.children.has(message.taskScheduledId) ? "resolution" : "stale";
    case "TimerFired":
      return !astray && open.timers.has(message.timerId) ? "resolution" : "stale";
    case "EventRaised":
      return "raised";
    case "ExecutionSuspended":
      return "suspend";
    case "ExecutionResumed":
      return "resume";
    case "ExecutionTerminated":
      return "terminate";
    case "ExecutionRewound":
      return "rewind";
    case "EntityOperationCompleted":
    case "EntityOperationFailed":
      return !astray && open.calls.has(message.requestId) ? "resolution" : "stale";
    case "EntityLockGranted":
      return !astray && open.sections.get(message.criticalSectionId)?.isGranted === false ? "resolution" : "stale";
    case "EntityOperationSignaled":
    case "EntityOperationCalled":
    case "EntityLockRequested":
    case "EntityUnlockSent":
      return "stale";
    default:
      return message satisfies never;
  }
}
