// What a worker out of process asks for may make no sense. It is looked at before anything is applied, so that the rules can
// rely on it; the worker is told what is wrong, and where.

import type { Action } from "../model/actions.ts";
import { entityName, isEntityId } from "../model/entity.ts";
import type { EntityMessage } from "../model/events.ts";
import type { InstanceState } from "./state.ts";

/** Ids are 32-bit numbers on the wire. */
const MAX_ACTION_ID = 2 ** 31 - 1;
/** The last moment that a Date can hold, and before zero the first. */
const MAX_TIME = 8.64e15;
const ENDINGS: readonly string[] = ["Completed", "Failed", "Terminated", "ContinuedAsNew"];

/** The reason why a turn's actions cannot be applied, or undefined. */
export function checkActions(actions: readonly Action[], state: InstanceState): string | undefined {
  const check = new ActionCheck(state);
  for (const [index, action] of actions.entries()) {
    const problem = check.problemOf(action);
    if (problem !== undefined) return `Action ${index + 1} of ${actions.length} (${action.kind}, id ${action.id}) ${problem}.`;
  }
  return undefined;
}

class ActionCheck {
  readonly #state: InstanceState;
  readonly #ids = new Set<number>();
  readonly #calls = new Set<string>();
  readonly #sections = new Set<string>();
  #hasEnded = false;

  constructor(state: InstanceState) {
    this.#state = state;
  }

  problemOf(action: Action): string | undefined {
    return this.#idProblem(action) ?? this.#contentProblem(action);
  }

  #idProblem({ id, kind }: Action): string | undefined {
    const { lastActionId } = this.#state.open;
    // Nothing refers to an end by its id: a worker that ends an execution without having run its code gives it -1, or none.
    if (kind === "CompleteOrchestration") return undefined;
    // Some SDKs count from 0, some from 1.
    if (!Number.isInteger(id) || id < 0 || id > MAX_ACTION_ID) return "has an id that is no 32-bit number from 0 on";
    if (this.#ids.has(id)) return "has the id of another action of the turn";
    // A sent terminate leaves no event in history: a worker that replays may ask for it again.
    if (id <= lastActionId && kind !== "TerminateOrchestration") {
      return `has an id that this execution has used: the next is ${lastActionId + 1}. The worker may have been given another history, or is not deterministic`;
    }
    this.#ids.add(id);
    return undefined;
  }

  #contentProblem(action: Action): string | undefined {
    switch (action.kind) {
      case "ScheduleTask":
        return action.name === "" ? "names no activity" : undefined;
      case "CreateSubOrchestration":
        if (action.name === "") return "names no orchestration";
        return isEntityId(action.instanceId ?? "") ? 'starts a child whose id begins with "@": such ids name entities' : undefined;
      case "CreateTimer":
        return isTime(action.fireAt) ? undefined : "fires at no moment";
      case "CompleteOrchestration": {
        if (this.#hasEnded) return "ends the execution a second time";
        this.#hasEnded = true;
        return ENDINGS.includes(action.status) ? undefined : `ends the execution as ${quoted(action.status)}, which is no end`;
      }
      case "SendEntityMessage":
        return this.#messageProblem(action.message);
      case "SendEvent":
      case "TerminateOrchestration":
      case "RecordMarker":
        return undefined;
      default:
        action satisfies never;
        return "is of a kind that this server does not know";
    }
  }

  #messageProblem(message: EntityMessage): string | undefined {
    const { open } = this.#state;
    switch (message.kind) {
      case "EntityOperationCalled": {
        const { requestId } = message;
        if (requestId === "") return "calls an entity without a request id";
        if (open.calls.has(requestId) || this.#calls.has(requestId)) return `has the request id of an open call, ${quoted(requestId)}`;
        this.#calls.add(requestId);
        return operationProblem(message);
      }
      case "EntityOperationSignaled":
        return operationProblem(message);
      case "EntityLockRequested": {
        const { criticalSectionId, lockSet } = message;
        if (criticalSectionId === "") return "asks for locks without a critical section's id";
        if (open.sections.has(criticalSectionId) || this.#sections.has(criticalSectionId)) {
          return `has the id of an open critical section, ${quoted(criticalSectionId)}`;
        }
        this.#sections.add(criticalSectionId);
        if (lockSet.length === 0) return "asks for locks of no entity";
        return lockSet.map(targetProblem).find((problem) => problem !== undefined);
      }
      case "EntityUnlockSent":
        return targetProblem(message.targetInstanceId);
      default:
        message satisfies never;
        return "sends an entity a message of a kind that this server does not know";
    }
  }
}

function operationProblem({ targetInstanceId, scheduledAt }: Extract<EntityMessage, { readonly operation: string }>): string | undefined {
  if (scheduledAt !== undefined && !isTime(scheduledAt)) return "is scheduled for no moment";
  return targetProblem(targetInstanceId);
}

function targetProblem(id: string): string | undefined {
  return entityName(id) === undefined ? `goes to ${quoted(id)}, which is not the id of an entity ("@name@key")` : undefined;
}

const isTime = (time: number): boolean => Math.abs(time) <= MAX_TIME;

/** Ids may be long: their beginning names them. */
const quoted = (text: string): string => JSON.stringify(text.length > 100 ? `${text.slice(0, 100)}...` : text);
