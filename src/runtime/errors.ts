// What an orchestrator catches when a call of its fails. Compare by `code` or with the guards: a class identity does not
// survive two copies of a package, a code does.

import type { Failure } from "../model/failure.ts";

export class ActivityError extends Error {
  readonly code = "ACTIVITY_FAILED";
  readonly activity: string;
  readonly failure: Failure;
  constructor(activity: string, failure: Failure) {
    super(`Activity ${JSON.stringify(activity)} failed: ${failure.message}`);
    this.name = "ActivityError";
    this.activity = activity;
    this.failure = failure;
  }
}

export class ChildError extends Error {
  readonly code = "CHILD_FAILED";
  readonly orchestrator: string;
  readonly instanceId: string;
  readonly failure: Failure;
  constructor(orchestrator: string, instanceId: string, failure: Failure) {
    super(`Child orchestration ${JSON.stringify(orchestrator)} (${JSON.stringify(instanceId)}) failed: ${failure.message}`);
    this.name = "ChildError";
    this.orchestrator = orchestrator;
    this.instanceId = instanceId;
    this.failure = failure;
  }
}

export class EntityError extends Error {
  readonly code = "ENTITY_FAILED";
  readonly entityId: string;
  readonly operation: string;
  readonly failure: Failure;
  constructor(entityId: string, operation: string, failure: Failure) {
    super(`Operation ${JSON.stringify(operation)} of entity ${JSON.stringify(entityId)} failed: ${failure.message}`);
    this.name = "EntityError";
    this.entityId = entityId;
    this.operation = operation;
    this.failure = failure;
  }
}

export const isActivityError = (error: unknown): error is ActivityError => hasCode(error, "ACTIVITY_FAILED");
export const isChildError = (error: unknown): error is ChildError => hasCode(error, "CHILD_FAILED");
export const isEntityError = (error: unknown): error is EntityError => hasCode(error, "ENTITY_FAILED");

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code && "failure" in error;
}
