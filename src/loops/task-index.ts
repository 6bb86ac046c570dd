// Activities by instance, execution and action: found, kept and dropped at a cost that does not grow with how many an
// instance has, and without making a text of the three.

import type { ActionId, ExecutionId } from "../model/ids.ts";
import type { ActivityKey, InstanceRef } from "../model/parts.ts";
import type { ActivityTask } from "./activity-task.ts";

type Executions = Map<ExecutionId, Map<ActionId, ActivityTask>>;

export class TaskIndex {
  readonly #byInstance = new Map<InstanceRef, Executions>();

  /** Empty if there is none. */
  of(ref: InstanceRef): readonly ActivityTask[] {
    return tasksOf(this.#byInstance.get(ref) ?? new Map());
  }

  all(): readonly ActivityTask[] {
    return [...this.#byInstance.values()].flatMap(tasksOf);
  }

  find({ ref, executionId, actionId }: ActivityKey): ActivityTask | undefined {
    return this.#byInstance.get(ref)?.get(executionId)?.get(actionId);
  }

  keep(task: ActivityTask): void {
    const { ref, executionId, actionId } = task.key;
    const executions = this.#byInstance.get(ref);
    const tasks = executions?.get(executionId);
    if (tasks !== undefined) tasks.set(actionId, task);
    else if (executions !== undefined) executions.set(executionId, new Map([[actionId, task]]));
    else this.#byInstance.set(ref, new Map([[executionId, new Map([[actionId, task]])]]));
  }

  drop({ key: { ref, executionId, actionId } }: ActivityTask): void {
    const executions = this.#byInstance.get(ref);
    const tasks = executions?.get(executionId);
    if (executions === undefined || tasks === undefined) return;
    tasks.delete(actionId);
    if (tasks.size > 0) return;
    executions.delete(executionId);
    if (executions.size === 0) this.#byInstance.delete(ref);
  }
}

function tasksOf(executions: Executions): readonly ActivityTask[] {
  return [...executions.values()].flatMap((tasks) => [...tasks.values()]);
}
