import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Action } from "../model/actions.ts";
import type { EntityMessage, HistoryEvent } from "../model/events.ts";
import type { Failure } from "../model/failure.ts";
import { asExecutionId, asHubName, asInstanceId } from "../model/ids.ts";
import type { InstanceRow } from "../model/parts.ts";
import type { JsonValue } from "../model/payload.ts";
import { present } from "../model/present.ts";
import { ORCHESTRATION_STATUSES } from "../model/status.ts";
import type { ActivityItem, EntityItem, EntityResult, OperationAction, TurnItem, TurnResult } from "../model/work-item.ts";
import { actionFromWire, actionToWire } from "./actions.ts";
import { outcomeFromWire, outcomeToWire } from "./activities.ts";
import { entityResultFromWire, entityResultToWire } from "./entity-work.ts";
import { eventFromWire } from "./event-from-wire.ts";
import { eventToWire } from "./event-to-wire.ts";
import { failureFromWire, failureToWire } from "./failures.ts";
import { filtersFromWire, filtersToWire } from "./filters.ts";
import {
  ActivityResponseSchema,
  EntityBatchResultSchema,
  EntityMetadataSchema,
  GetWorkItemsRequestSchema,
  HistoryEventSchema,
  OrchestrationStateSchema,
  OrchestratorActionSchema,
  OrchestratorResponseSchema,
  TaskFailureDetailsSchema,
  WorkItemFiltersSchema,
  WorkItemSchema,
} from "./generated/durable_task_pb.ts";
import { entityFromWire, entityToWire, instanceFromWire, instanceToWire } from "./instances.ts";
import { notBeforeFromWire, timestampFromWire, timestampToWire } from "./timestamps.ts";
import { pastToBytes, turnResultFromWire, turnResultToWire, turnToBytes } from "./turns.ts";
import { activityItemToBytes, entityItemToBytes, HEALTH_PING, workItemFromWire } from "./work-items.ts";

/** Text that UTF-8 can say: any code point, NUL included; no half of a pair. */
const text = fc.string({ unit: "binary", maxLength: 20 });
const payload = fc.option(text, { nil: undefined });
const moment = fc.integer({ min: 1, max: 253_402_300_799_999 });
const actionId = fc.integer({ min: -1, max: 2 ** 31 - 1 });
const instanceId = text.map(asInstanceId);
const executionId = text.map(asExecutionId);
const tags = fc.dictionary(fc.oneof(text, fc.constant("__proto__")), text, { minKeys: 1, maxKeys: 3 });
const traceContext = fc.record({ traceParent: fc.string({ minLength: 1 }), traceState: text }, { requiredKeys: ["traceParent"] });
const json: fc.Arbitrary<JsonValue> = fc.jsonValue({ maxDepth: 4 }).map((value) => JSON.parse(JSON.stringify(value)));
const options = fc
  .record({
    retry: fc.record({ maxAttempts: fc.nat(), firstDelayMs: fc.nat(), backoff: fc.nat(), maxDelayMs: fc.nat() }),
    startToCloseMs: fc.nat(),
    scheduleToCloseMs: fc.nat(),
  })
  .filter((all) => Object.keys(all).length > 0);
const failure: fc.Arbitrary<Failure> = fc.letrec<{ failure: Failure }>((tie) => ({
  failure: fc
    .record({
      type: text,
      message: text,
      stack: payload,
      cause: fc.option(tie("failure"), { nil: undefined, maxDepth: 3 }),
      isNonRetriable: fc.option(fc.constant(true), { nil: undefined }),
      properties: fc.option(fc.dictionary(text, json, { minKeys: 1, maxKeys: 3 }), { nil: undefined }),
    })
    .map(({ type, message, ...rest }) => ({ type, message, ...present(rest) })),
})).failure;

const optional = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined });
const work = { name: text, version: payload, input: payload, tags: optional(tags), traceContext: optional(traceContext) };

type Fields = { readonly [name: string]: fc.Arbitrary<unknown> };
const EVENT_FIELDS: Record<HistoryEvent["kind"], Fields> = {
  OrchestratorStarted: {},
  ExecutionStarted: {
    ...work,
    instanceId,
    executionId,
    scheduledStartAt: optional(moment),
    parent: optional(
      fc
        .record({ instanceId, executionId, name: text, version: payload, actionId })
        .map(({ version, ...rest }) => ({ ...rest, ...present({ version }) })),
    ),
  },
  ExecutionCompleted: {
    status: fc.constantFrom("Completed", "Failed", "Canceled", "Terminated", "ContinuedAsNew"),
    result: payload,
    failure: optional(failure),
  },
  ExecutionTerminated: { input: payload, recurse: fc.boolean() },
  ExecutionSuspended: { reason: payload },
  ExecutionResumed: { reason: payload },
  TaskScheduled: { ...work, options: optional(options) },
  TaskCompleted: { taskScheduledId: actionId, result: payload },
  TaskFailed: { taskScheduledId: actionId, failure },
  SubOrchestrationInstanceCreated: { ...work, instanceId },
  SubOrchestrationInstanceCompleted: { taskScheduledId: actionId, result: payload },
  SubOrchestrationInstanceFailed: { taskScheduledId: actionId, failure },
  TimerCreated: { fireAt: moment },
  TimerFired: { timerId: actionId, fireAt: moment },
  EventSent: { instanceId, name: text, input: payload },
  EventRaised: { name: text, input: payload },
  GenericEvent: { data: payload },
  ExecutionRewound: { reason: payload },
  EntityOperationSignaled: {
    requestId: text,
    operation: text,
    scheduledAt: optional(moment),
    input: payload,
    targetInstanceId: instanceId,
  },
  EntityOperationCalled: {
    requestId: text,
    operation: text,
    scheduledAt: optional(moment),
    input: payload,
    parentInstanceId: instanceId,
    parentExecutionId: executionId,
    targetInstanceId: instanceId,
  },
  EntityLockRequested: {
    criticalSectionId: text,
    lockSet: fc.array(instanceId),
    position: actionId,
    parentInstanceId: instanceId,
    // The wire has no field for it.
    parentExecutionId: fc.constant(asExecutionId("")),
  },
  EntityUnlockSent: { criticalSectionId: text, parentInstanceId: instanceId, targetInstanceId: instanceId },
  EntityOperationCompleted: { requestId: text, output: payload },
  EntityOperationFailed: { requestId: text, failure },
  EntityLockGranted: { criticalSectionId: text },
};
const ACTION_FIELDS: Record<Exclude<Action["kind"], "SendEntityMessage">, Fields> = {
  ScheduleTask: { ...work, options: optional(options) },
  CreateSubOrchestration: { ...work, instanceId: optional(instanceId.filter((id) => id !== "")) },
  CreateTimer: { fireAt: moment },
  SendEvent: { instanceId, name: text, input: payload },
  TerminateOrchestration: { instanceId, reason: payload, recurse: fc.boolean() },
  CompleteOrchestration: {
    status: fc.constantFrom("Completed", "Terminated", "ContinuedAsNew"),
    result: payload,
    failure: optional(failure),
    newVersion: payload,
    carryoverEvents: optional(fc.array(eventOf("EventRaised"), { minLength: 1, maxLength: 3 })),
    tags: optional(tags),
  },
  RecordMarker: { data: text },
};

/** A message that holds itself in a field, to that depth. */
function nested(field: number, depth: number): Uint8Array {
  const lengths = [0];
  for (let length = 0; lengths.length < depth; lengths.push(length)) length += 1 + new BinaryWriter().uint32(length).finish().length;
  const writer = new BinaryWriter();
  for (const length of lengths.toReversed()) writer.tag(field, WireType.LengthDelimited).uint32(length);
  return writer.finish();
}

function eventOf(kind: HistoryEvent["kind"]): fc.Arbitrary<HistoryEvent> {
  const all = { eventId: actionId, timestamp: moment, ...EVENT_FIELDS[kind] };
  return fc.record(all).map((fields) => ({ kind, ...present(fields) }) as unknown as HistoryEvent);
}

function actionOf(kind: keyof typeof ACTION_FIELDS): fc.Arbitrary<Action> {
  return fc.record({ id: actionId, ...ACTION_FIELDS[kind] }).map((fields) => ({ kind, ...present(fields) }) as unknown as Action);
}

const MESSAGES = ["EntityOperationSignaled", "EntityOperationCalled", "EntityLockRequested", "EntityUnlockSent"] as const;
const entityAction: fc.Arbitrary<Action> = fc
  .tuple(actionId, fc.oneof(...MESSAGES.map(eventOf)))
  .map(([id, message]) => ({ kind: "SendEntityMessage", id, message: { ...(message as EntityMessage), eventId: id, timestamp: 0 } }));
const event = fc.oneof(...(Object.keys(EVENT_FIELDS) as HistoryEvent["kind"][]).map(eventOf));
const action = fc.oneof(...(Object.keys(ACTION_FIELDS) as (keyof typeof ACTION_FIELDS)[]).map(actionOf), entityAction);

describe("what crosses the wire comes back as it was", () => {
  for (const kind of Object.keys(EVENT_FIELDS) as HistoryEvent["kind"][]) {
    test(`the event ${kind}`, () => {
      fc.assert(
        fc.property(eventOf(kind), (event) => {
          const bytes = toBinary(HistoryEventSchema, eventToWire(event));
          expect(eventFromWire(fromBinary(HistoryEventSchema, bytes))).toEqual(event);
        }),
      );
    });
  }

  test("actions", () => {
    fc.assert(
      fc.property(action, (action) => {
        const bytes = toBinary(OrchestratorActionSchema, actionToWire(action));
        expect(actionFromWire(fromBinary(OrchestratorActionSchema, bytes))).toEqual(action);
      }),
      { numRuns: 500 },
    );
  });

  test("a turn with its past", () => {
    fc.assert(
      fc.property(text, instanceId, executionId, fc.array(event), fc.array(event), (token, instanceId, executionId, history, newEvents) => {
        const item = { sort: "orchestration", token, instanceId, executionId, historyLength: history.length, newEvents } as const;
        const bytes = turnToBytes(item, { kind: "bytes", bytes: pastToBytes(history) }, { spanId: "a", startedAt: 5 });
        expect(workItemFromWire(fromBinary(WorkItemSchema, bytes))).toEqual({ ...item, history, historyIsStreamed: false });
      }),
    );
  });

  test("the past of a turn may be encoded in pieces", () => {
    fc.assert(
      fc.property(fc.array(event), fc.array(event), (first, second) => {
        expect(Buffer.concat([pastToBytes(first), pastToBytes(second)])).toEqual(Buffer.from(pastToBytes([...first, ...second])));
      }),
    );
  });

  test("a turn for a worker that holds the instance, or that reads the history by itself", () => {
    const item: Omit<TurnItem, "row" | "history"> = {
      sort: "orchestration",
      token: "t",
      instanceId: asInstanceId("i"),
      executionId: asExecutionId("e"),
      historyLength: 7,
      newEvents: [{ kind: "OrchestratorStarted", eventId: -1, timestamp: 1 }],
    };
    const span = { spanId: "a", startedAt: 5 };
    const held = workItemFromWire(fromBinary(WorkItemSchema, turnToBytes(item, { kind: "held" }, span)));
    expect(held).toEqual({ ...item, history: undefined, historyIsStreamed: false });
    const streamed = workItemFromWire(fromBinary(WorkItemSchema, turnToBytes(item, { kind: "streamed" }, span)));
    expect(streamed).toEqual({ ...item, historyLength: 0, history: [], historyIsStreamed: true });
  });

  test("the answer to a turn", () => {
    const status = fc.option(
      text.filter((text) => text !== ""),
      { nil: undefined },
    );
    const result: fc.Arbitrary<TurnResult> = fc
      .record({
        actions: fc.array(action),
        customStatus: optional(status.map((payload) => ({ payload }))),
        requiresHistory: optional(fc.constant(true)),
      })
      .map(({ actions, ...rest }) => ({ actions, ...present(rest) }));
    fc.assert(
      fc.property(text, instanceId, result, (token, id, result) => {
        const bytes = toBinary(OrchestratorResponseSchema, turnResultToWire(token, id, result));
        const wire = fromBinary(OrchestratorResponseSchema, bytes);
        expect([wire.completionToken, turnResultFromWire(wire)]).toEqual([token, result]);
      }),
    );
  });

  test("activities: options and attempt for our own worker, neither for others", () => {
    const item = fc
      .record({ token: text, instanceId, executionId, attempt: fc.nat(), actionId, ...work, options })
      .map((all): ActivityItem => {
        const { token, instanceId, executionId, attempt, actionId, name, options, ...rest } = all;
        const activity = { actionId, name, options, scheduledAt: 1, inFlight: true, ...present(rest) };
        return { sort: "activity", token, instanceId, executionId, attempt, activity };
      });
    fc.assert(
      fc.property(item, (item) => {
        const { scheduledAt: _, inFlight: __, ...activity } = item.activity;
        const ours = workItemFromWire(fromBinary(WorkItemSchema, activityItemToBytes(item, true)));
        expect(ours).toEqual({ ...item, activity });
        const { options: ___, ...plain } = activity;
        const others = workItemFromWire(fromBinary(WorkItemSchema, activityItemToBytes(item, false)));
        expect(others).toEqual({ ...item, attempt: 1, activity: plain });
      }),
    );
  });

  test("the answer to an activity", () => {
    const outcome = fc.oneof(
      payload.map((result) => ({ kind: "completed", result }) as const),
      failure.map((failure) => ({ kind: "failed", failure }) as const),
    );
    const item = { token: "t", instanceId: asInstanceId("i"), activity: { actionId: 3, name: "a" } };
    fc.assert(
      fc.property(outcome, (outcome) => {
        const bytes = toBinary(ActivityResponseSchema, outcomeToWire(item, outcome));
        expect(outcomeFromWire(fromBinary(ActivityResponseSchema, bytes))).toEqual(outcome);
      }),
    );
  });

  test("batches of an entity, in both forms of request", () => {
    const operations = fc.array(fc.oneof(eventOf("EntityOperationSignaled"), eventOf("EntityOperationCalled")));
    fc.assert(
      fc.property(text, instanceId, executionId, payload, operations, (token, instanceId, executionId, state, operations) => {
        const item = { sort: "entity", token, instanceId, executionId, state, operations } as EntityItem;
        const received = item.operations.map(({ requestId, operation, input }) => ({ requestId, operation, ...present({ input }) }));
        const read = (version: 1 | 2) => workItemFromWire(fromBinary(WorkItemSchema, entityItemToBytes(item, version)));
        const { executionId: _, ...nameless } = item;
        expect(read(1)).toEqual({ ...nameless, operations: received });
        expect(read(2)).toEqual({ ...item, operations: received });
      }),
    );
  });

  test("the answer of an entity", () => {
    const at = { scheduledAt: optional(moment), input: payload, traceContext: optional(traceContext) };
    const actions: fc.Arbitrary<OperationAction> = fc.oneof(
      fc
        .record({ instanceId, operation: text, ...at })
        .map(({ instanceId, operation, ...rest }) => ({ kind: "SendSignal", instanceId, operation, ...present(rest) }) as const),
      fc
        .record({ instanceId: text, name: text, version: payload, ...at })
        .map(({ instanceId, name, ...rest }) => ({ kind: "StartNewOrchestration", instanceId, name, ...present(rest) }) as const),
    );
    const results = fc.oneof(
      payload.map((result) => ({ kind: "completed", ...present({ result }) }) as const),
      failure.map((failure) => ({ kind: "failed", failure }) as const),
    );
    const result: fc.Arbitrary<EntityResult> = fc
      .record({ results: fc.array(results), actions: fc.array(actions), state: payload, failure: optional(failure) })
      .map(({ failure, ...rest }) => ({ ...rest, ...present({ failure }) }));
    fc.assert(
      fc.property(result, (result) => {
        const bytes = toBinary(EntityBatchResultSchema, entityResultToWire("t", result));
        expect(entityResultFromWire(fromBinary(EntityBatchResultSchema, bytes))).toEqual(result);
      }),
    );
  });

  test("what clients see of an instance, with and without payloads", () => {
    const seen = fc
      .record({
        instanceId,
        executionId,
        name: text,
        status: fc.constantFrom(...ORCHESTRATION_STATUSES),
        createdAt: moment,
        updatedAt: moment,
        version: payload,
        input: payload,
        output: payload,
        customStatus: payload,
        failure: optional(failure),
        completedAt: optional(moment),
        scheduledStartAt: optional(moment),
        tags: optional(tags),
      })
      .map(({ instanceId, executionId, name, status, createdAt, updatedAt, ...rest }) => ({
        instanceId,
        executionId,
        name,
        status,
        createdAt,
        updatedAt,
        ...present(rest),
      }));
    fc.assert(
      fc.property(seen, (seen) => {
        const row: InstanceRow = { ...seen, hub: asHubName("h"), ref: 1, historyLength: 0, historyBytes: 0, turnAttempt: 0 };
        const read = (withPayloads: boolean) =>
          instanceFromWire(fromBinary(OrchestrationStateSchema, toBinary(OrchestrationStateSchema, instanceToWire(row, withPayloads))));
        expect(read(true)).toEqual(seen);
        const { input: _, output: __, customStatus: ___, ...bare } = seen;
        expect(read(false)).toEqual(bare);
      }),
    );
  });

  test("what clients see of an entity", () => {
    const row: InstanceRow = {
      hub: asHubName("h"),
      ref: 1,
      historyLength: 0,
      historyBytes: 0,
      turnAttempt: 0,
      instanceId: asInstanceId("@a@b"),
      executionId: asExecutionId("e"),
      name: "a",
      status: "Running",
      createdAt: 1,
      updatedAt: 2,
      entityState: "",
      inboxLength: 3,
      entityLock: { criticalSectionId: "c", instanceId: asInstanceId("holder"), executionId: asExecutionId("e"), lockSet: [], position: 0 },
    };
    const read = (withState: boolean) =>
      entityFromWire(fromBinary(EntityMetadataSchema, toBinary(EntityMetadataSchema, entityToWire(row, withState))));
    expect(read(true)).toEqual({ instanceId: "@a@b", updatedAt: 2, inboxLength: 3, lockedBy: "holder", state: "" });
    expect(read(false)).toEqual({ instanceId: "@a@b", updatedAt: 2, inboxLength: 3, lockedBy: "holder" });
  });

  test("filters: no message is everything, an empty list is nothing, names of entities are in lower case", () => {
    const filters = { orchestrations: [{ name: "o", versions: ["", "1"] }], activities: [], entities: [{ name: "Counter" }] };
    const wire = filtersToWire(filters);
    if (wire === undefined) throw new Error("no filters");
    const read = filtersFromWire(fromBinary(WorkItemFiltersSchema, toBinary(WorkItemFiltersSchema, wire)));
    expect(read).toEqual({ ...filters, entities: [{ name: "counter" }] });
    expect(filtersFromWire(fromBinary(GetWorkItemsRequestSchema, new Uint8Array()).workItemFilters)).toBeUndefined();
    expect(filtersToWire(undefined)).toBeUndefined();
  });
});

describe("timestamps", () => {
  test("come back to the millisecond, before the epoch too", () => {
    fc.assert(
      fc.property(fc.integer({ min: -62_135_596_800_000, max: 253_402_300_799_999 }), (ms) => {
        expect(timestampFromWire(timestampToWire(ms))).toBe(ms);
      }),
    );
  });

  test("a moment between two milliseconds is the later one", () => {
    expect(timestampFromWire({ $typeName: "google.protobuf.Timestamp", seconds: 1n, nanos: 1_000_001 })).toBe(1002);
    expect(timestampFromWire({ $typeName: "google.protobuf.Timestamp", seconds: -2n, nanos: 999_999_999 })).toBe(-1000);
  });

  test("the epoch, and whatever is before it, is no start to wait for", () => {
    expect(notBeforeFromWire(timestampToWire(0))).toBeUndefined();
    expect(notBeforeFromWire(timestampToWire(-62_135_596_800_000))).toBeUndefined();
    expect(notBeforeFromWire(undefined)).toBeUndefined();
    expect(notBeforeFromWire(timestampToWire(1))).toBe(1);
  });

  test("outside of the years 1 to 9999 they are refused", () => {
    for (const ms of [Number.NaN, Number.POSITIVE_INFINITY, 253_402_300_800_000, -62_135_596_800_001]) {
      expect(() => timestampToWire(ms)).toThrow(/years 1 and 9999/);
    }
    for (const [seconds, nanos] of [
      [2n ** 62n, 0],
      [1n, -1],
      [1n, 2_000_000_000],
    ] as const) {
      expect(() => timestampFromWire({ $typeName: "google.protobuf.Timestamp", seconds, nanos })).toThrow(/years 1 and 9999/);
    }
  });
});

describe("what makes no sense", () => {
  type WireAction = Parameters<typeof actionFromWire>[0]["orchestratorActionType"];
  type Nonsense = [string, WireAction, RegExp];
  const endedAs = (status: number): WireAction => ({
    case: "completeOrchestration",
    value: { $typeName: "CompleteOrchestrationAction", orchestrationStatus: status as 0, details: "why", carryoverEvents: [], tags: {} },
  });
  const nonsense: Nonsense[] = [
    ["no kind", { case: undefined }, /no kind/],
    ["a rewind", { case: "rewindOrchestration", value: { $typeName: "RewindOrchestrationAction", newHistory: [] } }, /rewinds/],
    ["a timer without a time", { case: "createTimer", value: { $typeName: "CreateTimerAction" } }, /when it fires/],
    ["an event to nobody", { case: "sendEvent", value: { $typeName: "SendEventAction", name: "x" } }, /no instance/],
    [
      "an entity message of no kind",
      { case: "sendEntityMessage", value: { $typeName: "SendEntityMessageAction", EntityMessageType: { case: undefined } } },
      /no kind/,
    ],
    ...[0, 4, 6, 7, 99].map((status): Nonsense => [`an end with the status ${status}`, endedAs(status), /status/]),
    [
      "options that are not ours",
      { case: "scheduleTask", value: { $typeName: "ScheduleTaskAction", name: "a", tags: { "signalbox.options": "[" } } },
      /signalbox\.options/,
    ],
  ];
  test.each(nonsense)("an action with %s is refused", (_, orchestratorActionType, message) => {
    const wire = { $typeName: "OrchestratorAction", id: 4, orchestratorActionType } as const;
    expect(() => actionFromWire(wire)).toThrow(message);
  });

  test("events without a type are refused, those that tell a reader nothing are left out", () => {
    expect(() => eventFromWire(fromBinary(HistoryEventSchema, new Uint8Array()))).toThrow(/no type/);
    const completed = {
      $typeName: "HistoryEvent",
      eventId: 1,
      eventType: { case: "orchestratorCompleted", value: { $typeName: "OrchestratorCompletedEvent" } },
    } as const;
    expect(eventFromWire(completed)).toBeUndefined();
  });

  test("a health ping is no work", () => {
    expect(workItemFromWire(fromBinary(WorkItemSchema, HEALTH_PING))).toBeUndefined();
  });

  test("a failed end without failure details takes what older SDKs say instead", () => {
    const wire = { $typeName: "OrchestratorAction", id: 1, orchestratorActionType: endedAs(3) } as const;
    expect(actionFromWire(wire)).toMatchObject({ status: "Failed", failure: { message: "why" } });
  });

  test("messages that are nested 100,000 deep are refused, and do not overflow the stack", () => {
    const innerFailure = 4;
    expect(() => fromBinary(TaskFailureDetailsSchema, nested(innerFailure, 100_000))).toThrow(/recursion depth/);
    const groups = Buffer.alloc(100_000, 0x7b); // The group 15 opens, and never closes.
    expect(() => fromBinary(OrchestratorActionSchema, groups)).toThrow(/recursion depth/);
  });

  test("a chain of causes and a value that are nested 100,000 deep are cut, so that every decoder takes them", () => {
    let deep: Failure = { type: "T", message: "innermost" };
    let value: JsonValue = 1;
    for (let depth = 0; depth < 100_000; depth++) {
      deep = { type: "T", message: `${depth}`, cause: deep };
      value = { value };
    }
    const wire = toBinary(TaskFailureDetailsSchema, failureToWire({ ...deep, properties: { value } }));
    let read: Failure | undefined = failureFromWire(fromBinary(TaskFailureDetailsSchema, wire));
    expect(JSON.stringify(read.properties)).toBe(`{"value":${'{"value":'.repeat(16)}null${"}".repeat(17)}`);
    let length = 0;
    for (; read !== undefined; read = read.cause) length++;
    expect(length).toBe(16);
  });
});
