import { expect, test } from "vitest";
import { asExecutionId, asHubName, asInstanceId } from "../model/ids.ts";
import type { ActivityKey, ActivityRow, NewActivity, Part } from "../model/parts.ts";
import type { ActivityOutcome } from "../model/work-item.ts";
import type { Change } from "./committer.ts";
import { Dispatch } from "./dispatch.ts";
import { VirtualClock } from "./engine-fixture.ts";
import type { ActivityExecutor } from "./environment.ts";
import { LocalPlaces } from "./local-places.ts";

const instance = { hub: asHubName("hub"), instanceId: asInstanceId("a") };
const key: ActivityKey = { ref: 7, executionId: asExecutionId("e"), actionId: 1 };
const activity: NewActivity = { actionId: 1, name: "work", scheduledAt: 0, inFlight: false };
const row: ActivityRow = { ...key, ...instance, ...activity, attempt: 1, order: 1 };

interface Bench {
  readonly dispatch: Dispatch;
  readonly log: string[];
  /** A row as a page of the store has it. */
  readonly adopt: (read: ActivityRow) => boolean;
  readonly reports: ((outcome: ActivityOutcome) => void)[];
  /** Lands what was committed since; answers the kinds of the parts. */
  readonly land: () => readonly Part["kind"][];
}

function bench(): Bench {
  const log: string[] = [];
  const reports: Bench["reports"] = [];
  let changes: Change[] = [];
  const executor: ActivityExecutor = {
    run: (task, attempt, report) => {
      log.push(`run ${task.key.actionId} attempt ${attempt}`);
      reports.push(report);
    },
    abort: (task, _attempt, reason) => log.push(`abort ${task.key.actionId}: ${reason}`),
    maxConcurrent: () => 10,
  };
  const local = new LocalPlaces({ executor, maxActivities: 10, maxQueued: 10 });
  const dispatch: Dispatch = new Dispatch({
    clock: new VirtualClock(),
    local,
    isLocal: () => true,
    commit: (change) => changes.push(change),
    report: (task, attempt, outcome) => dispatch.ended(task, attempt, outcome),
    settle: () => log.push("settle"),
    refused: (_task, reason) => log.push(reason),
  });
  const land = (): readonly Part["kind"][] => {
    const landing = changes;
    changes = [];
    for (const change of landing) change.landed(change.parts.map(() => ({ kind: "done" })));
    return landing.flatMap(({ parts }) => parts.map(({ kind }) => kind));
  };
  return { dispatch, log, reports, land, adopt: (read) => dispatch.adopt(read, local) };
}

test("an activity begins when the batch that marked it has been taken in as a whole", () => {
  const { dispatch, log, land } = bench();
  dispatch.scheduled(key, instance, activity);
  dispatch.pump();
  expect(land()).toEqual(["attempt"]);
  expect(log).toEqual([]);
  dispatch.beginMarked();
  expect(log).toEqual(["run 1 attempt 1"]);
});

test("an activity whose instance is gone by the batch that marked it never begins", () => {
  const { dispatch, log, land } = bench();
  dispatch.scheduled(key, instance, activity);
  dispatch.pump();
  land();
  dispatch.abort(key.ref, "The instance was purged.");
  dispatch.beginMarked();
  expect(log).toEqual([]);
  expect(dispatch.running).toBe(0);
});

test("a stop between mark and start gives the place back once", () => {
  const { dispatch, land } = bench();
  dispatch.scheduled(key, instance, activity);
  dispatch.pump();
  dispatch.stop();
  land();
  dispatch.abortAll("The engine shuts down.");
  expect(dispatch.running).toBe(0);
});

test("a page that was read before a settlement landed does not bring the activity back", () => {
  const { dispatch, adopt, reports } = bench();
  adopt({ ...row, attempt: 2, inFlight: true });
  dispatch.pump();
  reports[0]?.({ kind: "completed", result: undefined });
  expect(adopt({ ...row, attempt: 2, inFlight: true })).toBe(false);
  dispatch.removed(key);
  expect(adopt({ ...row, attempt: 2, inFlight: true })).toBe(true);
});

test("a terminated instance's running activities are aborted, and their rows go", () => {
  const { dispatch, adopt, log, land } = bench();
  adopt({ ...row, inFlight: true });
  dispatch.pump();
  dispatch.terminated(key.ref);
  expect(log).toEqual(["run 1 attempt 1", "abort 1: The instance was terminated."]);
  expect(adopt(row)).toBe(false);
  expect(land()).toEqual(["forgetActivity"]);
  expect(adopt(row)).toBe(true);
});

test("an activity whose deadline passed while it waited in the store fails when it is read, and never begins", () => {
  const { dispatch, adopt, log } = bench();
  const scheduledAt = new VirtualClock().now() - 50;
  adopt({ ...row, scheduledAt, options: { scheduleToCloseMs: 50 } });
  adopt({ ...row, actionId: 2, scheduledAt, options: { scheduleToCloseMs: 51 } });
  expect(log).toEqual(["settle"]);
  dispatch.pump();
  dispatch.fire();
  expect(log).toEqual(["settle"]);
  dispatch.beginMarked();
  expect(dispatch.running).toBe(1);
});

test("an activity that was read while an earlier process's completion settled it does not begin (E5)", () => {
  const { dispatch, log, adopt } = bench();
  adopt({ ...row, inFlight: true });
  dispatch.settled(key);
  dispatch.pump();
  expect(log).toEqual([]);
  expect(dispatch.find(key)).toBeUndefined();
});
