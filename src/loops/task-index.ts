// Activities by instance, execution and action: found, kept and dropped at a cost that does not grow with how many an
// instance has, and without making a text of the three. Most instances have one at a time, which costs no map of its own.

import type { ActionId, ExecutionId } from "../model/ids.ts";
import type { ActivityKey, InstanceRef } from "../model/parts.ts";
import type { ActivityTask } from "./activity-task.ts";

type Executions = Map<ExecutionId, Map<ActionId, ActivityTask>>;

export class TaskIndex {
  readonly #byInstance = new Map<InstanceRef, ActivityTask | Executions>();

  /** Empty if there is none. */
  of(ref: InstanceRef): readonly ActivityTask[] {
    const held = this.#byInstance.get(ref);
    return held === undefined ? [] : tasksOf(held);
  }

  all(): readonly ActivityTask[] {
    return [...this.#byInstance.values()].flatMap(tasksOf);
  }

  find(key: ActivityKey): ActivityTask | undefined {
    const held = this.#byInstance.get(key.ref);
    if (held instanceof Map) return held.get(key.executionId)?.get(key.actionId);
    return held !== undefined && isOf(held, key) ? held : undefined;
  }

  keep(task: ActivityTask): void {
    const { ref } = task.key;
    const held = this.#byInstance.get(ref);
    if (held instanceof Map) put(held, task);
    else if (held === undefined || isOf(held, task.key)) this.#byInstance.set(ref, task);
    else {
      const executions: Executions = new Map();
      put(executions, held);
      put(executions, task);
      this.#byInstance.set(ref, executions);
    }
  }

  drop({ key }: ActivityTask): void {
    const held = this.#byInstance.get(key.ref);
    if (held === undefined) return;
    if (!(held instanceof Map)) {
      if (isOf(held, key)) this.#byInstance.delete(key.ref);
      return;
    }
    const tasks = held.get(key.executionId);
    if (tasks === undefined) return;
    tasks.delete(key.actionId);
    if (tasks.size > 0) return;
    held.delete(key.executionId);
    if (held.size === 0) this.#byInstance.delete(key.ref);
  }
}

function isOf({ key }: ActivityTask, { executionId, actionId }: ActivityKey): boolean {
  return key.actionId === actionId && key.executionId === executionId;
}

function put(executions: Executions, task: ActivityTask): void {
  const { executionId, actionId } = task.key;
  const tasks = executions.get(executionId);
  if (tasks === undefined) executions.set(executionId, new Map([[actionId, task]]));
  else tasks.set(actionId, task);
}

function tasksOf(held: ActivityTask | Executions): readonly ActivityTask[] {
  return held instanceof Map ? [...held.values()].flatMap((tasks) => [...tasks.values()]) : [held];
}
