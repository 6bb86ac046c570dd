import fc from "fast-check";
import { expect, test } from "vitest";
import { FakeStream } from "./hubs-fixture.ts";
import { Market } from "./market.ts";
import { hasRoom, type OpenStream, openStream } from "./open-stream.ts";

const NAMES = ["a", "b", "c"];
const VERSIONS = [undefined, "1", "2"];
const MAX_IN_FLIGHT = 6;

interface Item {
  readonly name: string;
  readonly version: string | undefined;
}

const filter = fc.option(
  fc.array(fc.record({ name: fc.constantFrom(...NAMES), versions: fc.subarray(["", "1", "2"]) }), { maxLength: 3 }),
  { nil: undefined },
);
const step = fc.oneof(
  fc.record({ kind: fc.constant("open" as const), filter, credits: fc.integer({ min: 0, max: 3 }) }),
  fc.record({ kind: fc.constant("close" as const), pick: fc.nat() }),
  fc.record({ kind: fc.constant("enqueue" as const), name: fc.constantFrom(...NAMES), version: fc.constantFrom(...VERSIONS) }),
  fc.record({ kind: fc.constant("reserve" as const), name: fc.constantFrom(...NAMES), version: fc.constantFrom(...VERSIONS) }),
  fc.record({ kind: fc.constant("release" as const), pick: fc.nat() }),
  fc.record({ kind: fc.constant("silence" as const), pick: fc.nat(), isSilent: fc.boolean() }),
);

type Filter = readonly { readonly name: string; readonly versions: readonly string[] }[] | undefined;

function takes(wanted: Filter, { name, version }: Item): boolean {
  if (wanted === undefined) return true;
  return wanted.some((each) => each.name === name && (each.versions.length === 0 || each.versions.includes(version ?? "")));
}

test("whatever happens: nothing is lost or given twice, no credit is exceeded, and nothing waits beside a stream that would take it", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      let isStirred = false;
      const market = new Market<Item>("orchestration", MAX_IN_FLIGHT, () => {
        isStirred = true;
      });
      const streams = new Map<OpenStream, Filter>();
      const out: { readonly open: OpenStream; readonly item: Item | undefined }[] = [];
      const waiting = new Set<Item>();
      for (const each of steps) {
        const [open] = [...streams.keys()].slice("pick" in each ? each.pick % Math.max(1, streams.size) : 0);
        if (each.kind === "open") {
          const filters = each.filter === undefined ? {} : { filters: { orchestrations: each.filter } };
          const made = openStream(new FakeStream({ ...filters, credits: { orchestration: each.credits } }));
          streams.set(made, each.filter);
          market.opened(made);
        } else if (each.kind === "close" && open !== undefined) {
          open.state = "gone";
          streams.delete(open);
          market.closed(open);
          for (const delivery of out.filter((one) => one.open === open)) {
            out.splice(out.indexOf(delivery), 1);
            market.release(open);
            if (delivery.item === undefined) continue;
            waiting.add(delivery.item);
            market.enqueue(delivery.item.name, delivery.item.version, delivery.item);
          }
        } else if (each.kind === "enqueue") {
          const item = { name: each.name, version: each.version };
          waiting.add(item);
          market.enqueue(item.name, item.version, item);
        } else if (each.kind === "reserve") {
          const reserved = market.reserve(each.name, each.version, open);
          if (reserved === undefined) continue;
          expect(takes(streams.get(reserved), each)).toBe(true);
          out.push({ open: reserved, item: undefined });
        } else if (each.kind === "release") {
          const [delivery] = out.splice(each.pick % Math.max(1, out.length), 1);
          if (delivery !== undefined) market.release(delivery.open);
        } else if (each.kind === "silence" && open !== undefined) {
          open.overdue = each.isSilent ? 1 : 0;
          market.changed(open);
        }
        if (isStirred) {
          isStirred = false;
          for (const match of market.take()) {
            expect(waiting.delete(match.item)).toBe(true);
            expect(takes(streams.get(match.open), match.item)).toBe(true);
            out.push(match);
          }
        }
        expect(market.queued).toBe(waiting.size);
        expect(market.inFlight).toBe(out.length);
        expect(out.length).toBeLessThanOrEqual(MAX_IN_FLIGHT);
        for (const each of streams.keys()) expect(each.used.orchestration).toBeLessThanOrEqual(each.stream.credits.orchestration);
        if (out.length >= MAX_IN_FLIGHT) continue;
        for (const [each, wanted] of streams) {
          if (hasRoom(each, "orchestration")) expect([...waiting].some((item) => takes(wanted, item))).toBe(false);
        }
      }
    }),
    { numRuns: 500 },
  );
});

test("streams that take the same are served in turn, whatever groups they are in", () => {
  const market = new Market<number>("orchestration", 1_000, () => {});
  const filters = [undefined, { orchestrations: [{ name: "a" }] }, { orchestrations: [{ name: "a" }, { name: "b" }] }, undefined];
  const streams = filters.map((each) =>
    openStream(new FakeStream({ ...(each !== undefined && { filters: each }), credits: { orchestration: 50 } })),
  );
  for (const open of streams) market.opened(open);
  for (let item = 0; item < 80; item++) market.enqueue("a", undefined, item);
  market.take();
  expect(streams.map(({ used }) => used.orchestration)).toEqual([20, 20, 20, 20]);
});

test("one item costs nothing for those that are idle: 1,000 streams with filters of their own, 100,000 items", () => {
  const market = new Market<number>("orchestration", 1_000_000, () => {});
  const streams = Array.from({ length: 1_000 }, (_, host) =>
    openStream(new FakeStream({ filters: { orchestrations: [{ name: `run@${host}` }] }, credits: { orchestration: 1 } })),
  );
  for (const open of streams) market.opened(open);
  market.take();
  const startedAt = performance.now();
  let served = 0;
  for (let item = 0; item < 100_000; item++) {
    market.enqueue(`run@${item % 1_000}`, undefined, item);
    for (const { open } of market.take()) {
      served += 1;
      market.release(open);
    }
  }
  expect(served).toBe(100_000);
  // Some 100 ms; with a walk over all streams for each item it would be minutes.
  expect(performance.now() - startedAt).toBeLessThan(10_000);
});
