import * as fc from "fast-check";
import { expect, test } from "vitest";
import type { HistoryEvent } from "../../model/events.ts";
import { asExecutionId } from "../../model/ids.ts";
import { pastToBytes } from "../../wire/turns.ts";
import { HistoryCache } from "./history-cache.ts";

let serial = 0;
const happened = (): HistoryEvent => ({
  kind: "TaskCompleted",
  eventId: -1,
  timestamp: ++serial,
  taskScheduledId: serial,
  result: "x".repeat(serial % 40),
});
const execution = asExecutionId("e");

test("whatever becomes of histories, the bytes are those of the history at hand, within the bound", () => {
  const step = fc.record({
    ref: fc.integer({ min: 1, max: 3 }),
    what: fc.constantFrom("grow", "cut", "cut and grow", "read again", "continue as new"),
    by: fc.integer({ min: 0, max: 5 }),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), fc.constantFrom(0, 100, 1_000, 1_000_000), (steps, maxBytes) => {
      const cache = new HistoryCache(maxBytes);
      const instances = new Map<number, { executionId: typeof execution; history: HistoryEvent[] }>();
      for (const { ref, what, by } of steps) {
        const instance = instances.get(ref) ?? { executionId: execution, history: [] };
        instances.set(ref, instance);
        const added = Array.from({ length: by }, happened);
        if (what === "grow") instance.history.push(...added);
        else if (what === "cut") instance.history = instance.history.slice(0, by);
        else if (what === "cut and grow") instance.history = [...instance.history.slice(0, by), ...added];
        else if (what === "read again") instance.history = instance.history.map((event) => ({ ...event }));
        else Object.assign(instance, { executionId: asExecutionId(`e${++serial}`), history: added });
        const bytes = cache.past(ref, instance.executionId, instance.history);
        expect(Buffer.from(bytes)).toEqual(Buffer.from(pastToBytes(instance.history)));
        expect(cache.bytes).toBeLessThanOrEqual(maxBytes);
      }
    }),
  );
});

test("a history that grows by an event a turn is encoded once", () => {
  const cache = new HistoryCache(1_000_000);
  const history: HistoryEvent[] = [];
  let reads = 0;
  for (let turn = 0; turn < 500; turn++) {
    const event = happened();
    // Counts how often an event is looked at to be encoded.
    history.push({
      ...event,
      get timestamp() {
        reads += 1;
        return event.timestamp;
      },
    });
    cache.past(1, execution, history);
  }
  expect(reads).toBe(500);
});

test("the ones used last stay", () => {
  const events = Array.from({ length: 10 }, happened);
  const size = pastToBytes(events).length;
  const cache = new HistoryCache(size * 2 + 1);
  const first = cache.past(1, execution, events);
  cache.past(2, execution, events);
  expect(cache.past(1, execution, events).buffer).toBe(first.buffer);
  cache.past(3, execution, events);
  expect(cache.past(1, execution, events).buffer).toBe(first.buffer);
});
