import type { Failure } from "../model/failure.ts";
import { present } from "../model/present.ts";
import type { TaskFailureDetails } from "./generated/durable_task_pb.ts";
import { fieldsFromWire, fieldsToWire } from "./values.ts";

/** How many failures of a chain of causes are written; decoders bound the depth of messages. */
const MAX_CHAIN = 16;

export function failureToWire(failure: Failure, left = MAX_CHAIN): TaskFailureDetails {
  const { type, message, stack, cause, isNonRetriable, properties } = failure;
  return {
    $typeName: "TaskFailureDetails",
    errorType: type,
    errorMessage: message,
    stackTrace: stack,
    innerFailure: cause === undefined || left === 1 ? undefined : failureToWire(cause, left - 1),
    isNonRetriable: isNonRetriable === true,
    properties: fieldsToWire(properties),
  };
}

export function failureFromWire(details: TaskFailureDetails | undefined): Failure {
  if (details === undefined) return { type: "Unknown", message: "It failed without any details." };
  const { innerFailure, properties } = details;
  return {
    type: details.errorType,
    message: details.errorMessage,
    ...present({
      stack: details.stackTrace,
      cause: innerFailure === undefined ? undefined : failureFromWire(innerFailure),
      isNonRetriable: details.isNonRetriable ? true : undefined,
      properties: Object.keys(properties).length === 0 ? undefined : fieldsFromWire(properties),
    }),
  };
}
