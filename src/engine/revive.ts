// What a rewound execution waits for, and how it comes to an answer: what failed, and what was not answered when the
// execution ended, is asked for again under the same id.

import type {
  ExecutionRewound,
  HistoryEvent,
  Message,
  SubOrchestrationInstanceCreated,
  SubOrchestrationInstanceFailed,
} from "../model/events.ts";
import type { ActionId } from "../model/ids.ts";
import type { InstanceRow, NewActivity, Part, TurnPart } from "../model/parts.ts";
import { present } from "../model/present.ts";
import type { TurnPorts } from "./apply-turn.ts";
import { deliveryOf } from "./entity-message.ts";
import { INSTANCE_ALREADY_EXISTS, startOfChild } from "./start-child.ts";
import { openAfter, track } from "./state.ts";

export interface Revived {
  readonly activities: readonly NewActivity[];
  readonly timers: TurnPart["addTimers"];
  readonly sends: readonly Part[];
}

/** `told` is what the execution is told again: it needs nothing else. */
export function revive(
  row: InstanceRow,
  prefix: readonly HistoryEvent[],
  lost: readonly HistoryEvent[],
  told: readonly Message[],
  rewound: ExecutionRewound,
  time: number,
  ports: TurnPorts,
): Revived {
  const open = openAfter(prefix);
  for (const message of told) track(open, message);
  const failures = new Map<ActionId, SubOrchestrationInstanceFailed>();
  for (const event of lost) if (event.kind === "SubOrchestrationInstanceFailed") failures.set(event.taskScheduledId, event);
  const activities: NewActivity[] = [];
  const timers: { timerId: ActionId; fireAt: number }[] = [];
  const sends: Part[] = [];
  for (const event of prefix) {
    switch (event.kind) {
      case "TaskScheduled": {
        const { eventId: actionId, name, version, input, tags, options, traceContext } = event;
        if (!open.tasks.has(actionId)) break;
        const optional = present({ version, input, tags, options, traceContext });
        activities.push({ actionId, name, scheduledAt: time, inFlight: ports.reserve(name, version), ...optional });
        break;
      }
      case "TimerCreated":
        if (open.timers.has(event.eventId)) timers.push({ timerId: event.eventId, fireAt: event.fireAt });
        break;
      case "SubOrchestrationInstanceCreated":
        if (open.children.has(event.eventId)) sends.push(childAgain(row, event, failures.get(event.eventId), rewound, time, ports));
        break;
      case "EntityOperationCalled":
        if (open.calls.has(event.requestId)) sends.push(deliveryOf(row.hub, event, time, ports));
        break;
      case "EntityLockRequested":
        if (open.sections.has(event.criticalSectionId)) sends.push(deliveryOf(row.hub, event, time, ports));
        break;
      default:
        break;
    }
  }
  return { activities, timers, sends };
}

/**
 * A child is rewound with its parent, or tells again how it ended. One that was never started, because another instance had
 * its id, is started.
 */
function childAgain(
  row: InstanceRow,
  created: SubOrchestrationInstanceCreated,
  failed: SubOrchestrationInstanceFailed | undefined,
  { reason }: ExecutionRewound,
  timestamp: number,
  ports: TurnPorts,
): Part {
  const { eventId: id, instanceId, name, version, input, tags, traceContext } = created;
  if (failed?.failure.type === INSTANCE_ALREADY_EXISTS) {
    const action = { id, instanceId, name, ...present({ version, input, tags, traceContext }) };
    return startOfChild(row, action, instanceId, ports.mintExecutionId(), timestamp);
  }
  const ifGone: SubOrchestrationInstanceFailed = failed ?? {
    kind: "SubOrchestrationInstanceFailed",
    eventId: -1,
    timestamp,
    taskScheduledId: id,
    failure: {
      type: "ChildInstanceGone",
      message: `The child orchestration ${JSON.stringify(instanceId)} is gone, and with it its result: it was removed while this instance stood failed.`,
    },
  };
  return {
    kind: "rewind",
    to: { hub: row.hub, instanceId },
    message: { kind: "ExecutionRewound", eventId: -1, timestamp, ...present({ reason }) },
    child: { parentRef: row.ref, parentExecutionId: row.executionId, ifGone },
  };
}
