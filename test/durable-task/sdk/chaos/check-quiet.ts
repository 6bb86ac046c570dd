// What must hold when everything has ended: each result is right, no activity's result was applied twice, nothing is locked,
// nothing waits.

import {
  EntityInstanceId,
  type HistoryEvent,
  HistoryEventType,
  OrchestrationStatus,
  type TaskHubGrpcClient,
} from "@microsoft/durabletask-js";
import { expect } from "vitest";
import { persist } from "../persist.ts";
import { until } from "../until.ts";
import { type ChaosReport, type Started, TALLIED } from "./run-chaos.ts";
import { ACCOUNTS } from "./shapes.ts";

export async function checkQuiet(client: TaskHubGrpcClient, { started }: ChaosReport): Promise<void> {
  for (const one of started) await checkOne(client, one);
  await checkEntities(client, started);
  const open: string[] = [];
  const statuses = [OrchestrationStatus.RUNNING, OrchestrationStatus.PENDING, OrchestrationStatus.SUSPENDED];
  for await (const { instanceId } of client.getAllInstances({ statuses })) open.push(instanceId);
  expect(open).toEqual([]);
}

const STATUS = {
  Completed: OrchestrationStatus.COMPLETED,
  Failed: OrchestrationStatus.FAILED,
  Terminated: OrchestrationStatus.TERMINATED,
} as const;

async function checkOne(client: TaskHubGrpcClient, { id, shape, seed }: Started): Promise<void> {
  const state = await persist(() => client.getOrchestrationState(id));
  const { ends = "Completed" } = shape;
  const result: unknown = ends === "Failed" ? state?.failureDetails?.message : JSON.parse(state?.serializedOutput ?? "null");
  expect({ id, status: state?.runtimeStatus, result }).toEqual({ id, status: STATUS[ends], result: shape.result(seed) });
  const history = await persist(() => client.getOrchestrationHistory(id));
  checkResolutions(id, history);
}

/** Each action is asked for once and resolved at most once, after it was asked for. */
function checkResolutions(id: string, history: readonly HistoryEvent[]): void {
  const asked = new Set<number | string>();
  const resolved = new Set<number | string>();
  const resolve = (action: number | string): void => {
    expect(asked, `${id}: ${action}`).toContain(action);
    expect(resolved, `${id}: ${action}`).not.toContain(action);
    resolved.add(action);
  };
  for (const event of history) {
    switch (event.type) {
      case HistoryEventType.TaskScheduled:
      case HistoryEventType.TimerCreated:
      case HistoryEventType.SubOrchestrationInstanceCreated:
        expect(asked, `${id}: ${event.eventId}`).not.toContain(event.eventId);
        asked.add(event.eventId);
        break;
      case HistoryEventType.TimerFired:
        resolve(event.timerId);
        break;
      case HistoryEventType.TaskCompleted:
      case HistoryEventType.TaskFailed:
      case HistoryEventType.SubOrchestrationInstanceCompleted:
      case HistoryEventType.SubOrchestrationInstanceFailed:
        resolve(event.taskScheduledId);
        break;
      case HistoryEventType.EntityOperationCalled:
        asked.add(event.requestId);
        break;
      case HistoryEventType.EntityLockRequested:
        asked.add(event.criticalSectionId);
        break;
      case HistoryEventType.EntityOperationCompleted:
      case HistoryEventType.EntityOperationFailed:
        resolve(event.requestId);
        break;
      case HistoryEventType.EntityLockGranted:
        resolve(event.criticalSectionId);
        break;
      default:
        break;
    }
  }
  expect(history.at(-1)?.type, id).toBe(HistoryEventType.ExecutionCompleted);
}

/** The transfers add up, each was counted once, and no lock is without a holder. */
async function checkEntities(client: TaskHubGrpcClient, started: readonly Started[]): Promise<void> {
  const stateOf = async (key: string): Promise<number> =>
    (await persist(() => client.getEntity<number>(new EntityInstanceId("account", key))))?.state ?? 0;
  const counted = started.filter(({ shape }) => shape.name === TALLIED).length;
  expect(await stateOf("counter")).toBe(counted);
  await until(async () => (await stateOf("tally")) === counted);
  await until(async () => (await stateOf("signals")) === counted);
  const transfers = started.filter(({ shape }) => shape.moves);
  for (const [index, key] of ACCOUNTS.entries()) {
    const expected = transfers.reduce((sum, { seed }) => sum + ((seed + 1) % 3 === index ? seed : 0) - (seed % 3 === index ? seed : 0), 0);
    expect(await stateOf(key), key).toBe(expected);
  }
  await until(async () => {
    for await (const { lockedBy, backlogQueueSize } of client.getEntities({ includeTransient: true })) {
      if (lockedBy !== undefined || backlogQueueSize > 0) return false;
    }
    return true;
  });
}
