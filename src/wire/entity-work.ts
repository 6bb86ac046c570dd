// Batches of operations on their way to entities and back. There are two forms of request, for workers of different age; the
// answer has one.

import { SignalboxError } from "../model/errors.ts";
import type { TraceContext } from "../model/events.ts";
import { asExecutionId, asInstanceId, type ExecutionId, type InstanceId } from "../model/ids.ts";
import type { Payload } from "../model/payload.ts";
import { present } from "../model/present.ts";
import type { CompletionToken, EntityItem, EntityResult, OperationAction, OperationResult } from "../model/work-item.ts";
import { eventFromWire } from "./event-from-wire.ts";
import { eventToWire } from "./event-to-wire.ts";
import { failureFromWire, failureToWire } from "./failures.ts";
import type {
  EntityBatchRequest,
  EntityBatchResult,
  EntityRequest,
  OperationAction as WireAction,
  OperationResult as WireResult,
} from "./generated/durable_task_pb.ts";
import { notBeforeFromWire, optionalTimestampToWire } from "./timestamps.ts";
import { traceFromWire, traceToWire } from "./trace-contexts.ts";

export interface ReceivedOperation {
  readonly requestId: string;
  readonly operation: string;
  readonly input?: Payload;
  readonly traceContext?: TraceContext;
}

/** A batch as a worker receives it; the first form of request does not name the execution. */
export interface ReceivedBatch {
  readonly sort: "entity";
  readonly token: CompletionToken;
  readonly instanceId: InstanceId;
  readonly executionId?: ExecutionId;
  readonly state: Payload | undefined;
  readonly operations: readonly ReceivedOperation[];
}

export function batchToWire({ instanceId, state, operations }: EntityItem): EntityBatchRequest {
  return {
    $typeName: "EntityBatchRequest",
    instanceId,
    entityState: state,
    operations: operations.map((message) => ({
      $typeName: "OperationRequest",
      operation: message.operation,
      requestId: message.requestId,
      input: message.input,
      traceContext: message.kind === "EntityOperationSignaled" ? traceToWire(message.traceContext) : undefined,
    })),
    properties: {},
  };
}

export function batchFromWire(token: CompletionToken, { instanceId, entityState, operations }: EntityBatchRequest): ReceivedBatch {
  return {
    sort: "entity",
    token,
    instanceId: asInstanceId(instanceId),
    state: entityState,
    operations: operations.map(({ requestId, operation, input, traceContext }) => ({
      requestId,
      operation,
      ...present({ input, traceContext: traceFromWire(traceContext) }),
    })),
  };
}

export function entityRequestToWire({ instanceId, executionId, state, operations }: EntityItem): EntityRequest {
  return { $typeName: "EntityRequest", instanceId, executionId, entityState: state, operationRequests: operations.map(eventToWire) };
}

export function entityRequestFromWire(token: CompletionToken, wire: EntityRequest): ReceivedBatch {
  return {
    sort: "entity",
    token,
    instanceId: asInstanceId(wire.instanceId),
    executionId: asExecutionId(wire.executionId),
    state: wire.entityState,
    operations: wire.operationRequests.map((event) => {
      const message = eventFromWire(event);
      if (message?.kind !== "EntityOperationSignaled" && message?.kind !== "EntityOperationCalled") {
        throw new SignalboxError(
          "INVALID_ARGUMENT",
          `A request to an entity holds a ${message?.kind ?? "nameless event"}, which is no operation.`,
        );
      }
      return { requestId: message.requestId, operation: message.operation, ...present({ input: message.input }) };
    }),
  };
}

export function entityResultToWire(token: CompletionToken, { results, actions, state, failure }: EntityResult): EntityBatchResult {
  return {
    $typeName: "EntityBatchResult",
    results: results.map(resultToWire),
    actions: actions.map(operationActionToWire),
    entityState: state,
    failureDetails: failure === undefined ? undefined : failureToWire(failure),
    completionToken: token,
    operationInfos: [],
    requiresState: false,
  };
}

export function entityResultFromWire({ results, actions, entityState, failureDetails }: EntityBatchResult): EntityResult {
  return {
    results: results.map(resultFromWire),
    actions: actions.map(operationActionFromWire),
    state: entityState,
    ...(failureDetails === undefined ? {} : { failure: failureFromWire(failureDetails) }),
  };
}

function resultToWire(result: OperationResult): WireResult {
  return {
    $typeName: "OperationResult",
    resultType:
      result.kind === "completed"
        ? { case: "success", value: { $typeName: "OperationResultSuccess", result: result.result } }
        : { case: "failure", value: { $typeName: "OperationResultFailure", failureDetails: failureToWire(result.failure) } },
  };
}

function resultFromWire({ resultType }: WireResult, index: number): OperationResult {
  switch (resultType.case) {
    case "success":
      return { kind: "completed", ...present({ result: resultType.value.result }) };
    case "failure":
      return { kind: "failed", failure: failureFromWire(resultType.value.failureDetails) };
    case undefined:
      throw new SignalboxError("INVALID_ARGUMENT", `The result of operation ${index + 1} of an entity is neither a success nor a failure.`);
    default:
      return resultType satisfies never;
  }
}

function operationActionToWire(action: OperationAction, index: number): WireAction {
  const { instanceId, input } = action;
  const scheduledTime = optionalTimestampToWire(action.scheduledAt);
  const parentTraceContext = traceToWire(action.traceContext);
  return {
    $typeName: "OperationAction",
    id: index + 1,
    operationActionType:
      action.kind === "SendSignal"
        ? {
            case: "sendSignal",
            value: { $typeName: "SendSignalAction", instanceId, name: action.operation, input, scheduledTime, parentTraceContext },
          }
        : {
            case: "startNewOrchestration",
            value: {
              $typeName: "StartNewOrchestrationAction",
              instanceId,
              name: action.name,
              version: action.version,
              input,
              scheduledTime,
              parentTraceContext,
            },
          },
  };
}

function operationActionFromWire({ id, operationActionType: action }: WireAction): OperationAction {
  switch (action.case) {
    case "sendSignal": {
      const { instanceId, name, input, scheduledTime, parentTraceContext } = action.value;
      const optional = { input, scheduledAt: notBeforeFromWire(scheduledTime), traceContext: traceFromWire(parentTraceContext) };
      return { kind: "SendSignal", instanceId: asInstanceId(instanceId), operation: name, ...present(optional) };
    }
    case "startNewOrchestration": {
      const { instanceId, name, version, input, scheduledTime, parentTraceContext } = action.value;
      const traceContext = traceFromWire(parentTraceContext);
      const optional = { version, input, scheduledAt: notBeforeFromWire(scheduledTime), traceContext };
      return { kind: "StartNewOrchestration", instanceId, name, ...present(optional) };
    }
    case undefined:
      throw new SignalboxError("INVALID_ARGUMENT", `The action ${id} of an entity is of no kind that this version knows.`);
    default:
      return action satisfies never;
  }
}
