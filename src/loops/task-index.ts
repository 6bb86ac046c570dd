// Activities by instance, and within it by execution and action: found, kept and dropped at a cost that does not grow with
// how many an instance has.

import type { ActivityKey, InstanceRef } from "../model/parts.ts";
import type { ActivityTask } from "./activity-task.ts";

export class TaskIndex {
  readonly #byInstance = new Map<InstanceRef, Map<string, ActivityTask>>();

  /** In the order in which they came; empty if there is none. */
  of(ref: InstanceRef): readonly ActivityTask[] {
    return [...(this.#byInstance.get(ref)?.values() ?? [])];
  }

  all(): readonly ActivityTask[] {
    return [...this.#byInstance.values()].flatMap((tasks) => [...tasks.values()]);
  }

  find(key: ActivityKey): ActivityTask | undefined {
    return this.#byInstance.get(key.ref)?.get(nameOf(key));
  }

  keep(task: ActivityTask): void {
    const { key } = task;
    const tasks = this.#byInstance.get(key.ref);
    if (tasks === undefined) this.#byInstance.set(key.ref, new Map([[nameOf(key), task]]));
    else tasks.set(nameOf(key), task);
  }

  drop({ key }: ActivityTask): void {
    const tasks = this.#byInstance.get(key.ref);
    tasks?.delete(nameOf(key));
    if (tasks?.size === 0) this.#byInstance.delete(key.ref);
  }
}

/** The number has an end of its own, so that no two pairs give the same name. */
const nameOf = ({ actionId, executionId }: ActivityKey): string => `${actionId} ${executionId}`;
