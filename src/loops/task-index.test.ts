import { expect, test } from "vitest";
import { asExecutionId, asHubName, asInstanceId } from "../model/ids.ts";
import type { ActivityTask } from "./activity-task.ts";
import { TaskIndex } from "./task-index.ts";

function task(ref: number, executionId: string, actionId: number): ActivityTask {
  const name = "work";
  return {
    key: { ref, executionId: asExecutionId(executionId), actionId },
    instance: { hub: asHubName("default"), instanceId: asInstanceId(`i${ref}`) },
    activity: { actionId, name, scheduledAt: 0, inFlight: false },
    isRemote: false,
    attempt: 1,
    state: "queued",
    wasInFlight: false,
    isMarked: false,
    hasBegun: 0,
    tries: 0,
  };
}

test("the only one of an instance is found by its whole key", () => {
  const index = new TaskIndex();
  const one = task(1, "a", 1);
  index.keep(one);
  expect(index.find(one.key)).toBe(one);
  for (const other of [task(1, "a", 2), task(1, "b", 1), task(2, "a", 1)]) {
    expect(index.find(other.key)).toBeUndefined();
    index.drop(other);
  }
  expect(index.of(1)).toEqual([one]);
  index.drop(one);
  expect(index.all()).toEqual([]);
});

test("several of an instance, of several executions, come and go one by one", () => {
  const index = new TaskIndex();
  const tasks = [task(1, "a", 1), task(1, "a", 2), task(1, "b", 1), task(2, "a", 1)];
  for (const each of tasks) index.keep(each);
  expect(index.all()).toEqual(tasks);
  expect(index.of(1)).toEqual(tasks.slice(0, 3));
  for (const [position, each] of tasks.entries()) {
    expect(index.find(each.key)).toBe(each);
    index.drop(each);
    index.drop(each);
    expect(index.find(each.key)).toBeUndefined();
    expect(index.all()).toEqual(tasks.slice(position + 1));
  }
});

test("another of the same key takes the place of the one before", () => {
  const index = new TaskIndex();
  index.keep(task(1, "a", 1));
  const again = task(1, "a", 1);
  index.keep(again);
  expect(index.all()).toEqual([again]);
});
