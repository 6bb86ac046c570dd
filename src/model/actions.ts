// What an orchestrator asks for in a turn. The runtime and a remote SDK speak the same actions: to the engine they are one.

import type { ActivityOptions } from "./activity-options.ts";
import type { EntityMessage, HistoryEvent, Tags, TraceContext } from "./events.ts";
import type { Failure } from "./failure.ts";
import type { ActionId, InstanceId } from "./ids.ts";
import type { Payload } from "./payload.ts";

export interface ScheduleTask {
  readonly kind: "ScheduleTask";
  readonly id: ActionId;
  readonly name: string;
  readonly version?: string;
  readonly input?: Payload;
  readonly tags?: Tags;
  readonly options?: ActivityOptions;
  /** Where the orchestrator itself tries again, after the first: which attempt this is, and the id of the first. */
  readonly attempt?: number;
  readonly retryOf?: ActionId;
  readonly traceContext?: TraceContext;
}
export interface CreateSubOrchestration {
  readonly kind: "CreateSubOrchestration";
  readonly id: ActionId;
  /** Absent: made from the parent's execution id and the action id. */
  readonly instanceId?: InstanceId;
  readonly name: string;
  readonly version?: string;
  readonly input?: Payload;
  readonly tags?: Tags;
  readonly traceContext?: TraceContext;
}
export interface CreateTimer {
  readonly kind: "CreateTimer";
  readonly id: ActionId;
  /** Milliseconds since the epoch; may be past. */
  readonly fireAt: number;
}
export interface SendEvent {
  readonly kind: "SendEvent";
  readonly id: ActionId;
  readonly instanceId: InstanceId;
  readonly name: string;
  readonly input?: Payload;
}
export interface TerminateOrchestration {
  readonly kind: "TerminateOrchestration";
  readonly id: ActionId;
  readonly instanceId: InstanceId;
  readonly reason?: Payload;
  readonly recurse: boolean;
}
export interface CompleteOrchestration {
  readonly kind: "CompleteOrchestration";
  readonly id: ActionId;
  readonly status: "Completed" | "Failed" | "Terminated" | "ContinuedAsNew";
  readonly result?: Payload;
  readonly failure?: Failure;
  readonly newVersion?: string;
  /** With ContinuedAsNew: events that the new execution finds first in its inbox. */
  readonly carryoverEvents?: readonly HistoryEvent[];
  readonly tags?: Tags;
}
/** A signal, a call, a wish for locks, or an unlock. `eventId` and `timestamp` of the message are set when it is recorded. */
export interface SendEntityMessage {
  readonly kind: "SendEntityMessage";
  readonly id: ActionId;
  readonly message: EntityMessage;
}
/** Records data in history without an effect, such as the marker of a taken `patched(id)`. */
export interface RecordMarker {
  readonly kind: "RecordMarker";
  readonly id: ActionId;
  readonly data: Payload;
}

export type Action =
  | ScheduleTask
  | CreateSubOrchestration
  | CreateTimer
  | SendEvent
  | TerminateOrchestration
  | CompleteOrchestration
  | SendEntityMessage
  | RecordMarker;
