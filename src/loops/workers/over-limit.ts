// What a worker's result may hold: names of a bounded length and payloads under the limit, as callers' requests do. A result
// that is over a limit would be so at every try.

import type { Action } from "../../model/actions.ts";
import { isSignalboxError } from "../../model/errors.ts";
import type { Failure } from "../../model/failure.ts";
import type { Payload } from "../../model/payload.ts";
import type { EntityResult, OperationAction, TurnResult } from "../../model/work-item.ts";
import { checkName, checkPayload } from "../call-limits.ts";
import type { EngineLimits } from "../environment.ts";

type Limits = Pick<EngineLimits, "maxNameLength" | "maxPayloadLength">;

/** What is over which limit, or undefined. */
export function overLimit(result: TurnResult, limits: Limits): string | undefined {
  return problemOf(() => {
    checkPayload(result.customStatus?.payload, "The custom status that a worker set", limits);
    for (const action of result.actions) checkAction(action, limits);
  });
}

export function entityOverLimit(result: EntityResult, limits: Limits): string | undefined {
  return problemOf(() => {
    checkPayload(result.state, "The state that a worker gave an entity", limits);
    for (const outcome of result.results) {
      if (outcome.kind === "completed") checkPayload(outcome.result, "The result of an operation", limits);
    }
    for (const action of result.actions) checkOperationAction(action, limits);
  });
}

export function payloadProblem(payload: Payload | undefined, what: string, limits: Limits): string | undefined {
  return problemOf(() => checkPayload(payload, what, limits));
}

/** A failure is cut rather than refused: what went wrong must be seen. */
export function boundedFailure(failure: Failure, { maxPayloadLength }: Limits): Failure {
  const most = Math.floor(maxPayloadLength / 6);
  const { type, message, stack, isNonRetriable } = failure;
  if (JSON.stringify(failure).length <= most) return failure;
  const cut = (text: string): string => text.slice(0, Math.floor(most / 4));
  return {
    type: cut(type),
    message: cut(message),
    ...(stack !== undefined && { stack: cut(stack) }),
    ...(isNonRetriable !== undefined && { isNonRetriable }),
  };
}

function checkAction(action: Action, limits: Limits): void {
  const what = `of action ${action.id} (${action.kind})`;
  if ("name" in action) checkName(action.name, `The name ${what}`, limits);
  if ("version" in action) checkName(action.version, `The version ${what}`, limits);
  if ("instanceId" in action) checkName(action.instanceId, `The instance id ${what}`, limits);
  if ("input" in action) checkPayload(action.input, `The input ${what}`, limits);
  if (action.kind === "CompleteOrchestration") {
    checkPayload(action.result, `The result ${what}`, limits);
    checkName(action.newVersion, `The version ${what}`, limits);
  }
  if (action.kind === "TerminateOrchestration") checkPayload(action.reason, `The reason ${what}`, limits);
  if (action.kind === "RecordMarker") checkPayload(action.data, `The data ${what}`, limits);
  if (action.kind === "SendEntityMessage" && "input" in action.message) checkPayload(action.message.input, `The input ${what}`, limits);
}

function checkOperationAction(action: OperationAction, limits: Limits): void {
  checkName(action.instanceId, "The id that an operation's action names", limits);
  checkName(action.kind === "SendSignal" ? action.operation : action.name, "The name in an operation's action", limits);
  checkPayload(action.input, "The input of an operation's action", limits);
}

function problemOf(check: () => void): string | undefined {
  try {
    check();
    return undefined;
  } catch (error) {
    if (isSignalboxError(error)) return error.message;
    throw error;
  }
}
