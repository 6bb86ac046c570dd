import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import * as fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { LockStore } from "./lock-store.ts";
import { type LockRequest, MAX_PENDING } from "./parties.ts";

let directory: string;
let locks: LockStore;
const dead = new Set<number>();
const open = (): LockStore => new LockStore(join(directory, "locks.db"), { isAlive: ({ pid }) => !dead.has(pid) });

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "locks-"));
  dead.clear();
  locks = open();
});
afterEach(() => {
  locks[Symbol.dispose]();
  rmSync(directory, { recursive: true });
});

function by(run: string, options: Partial<LockRequest> = {}): LockRequest {
  const pid = Number(/\d+/.exec(run)?.[0] ?? 0);
  return {
    group: "deploy",
    run,
    requester: "run",
    process: { pid, startedAt: "then" },
    socket: `/${run}`,
    queue: "single",
    cancelInProgress: false,
    ...options,
  };
}

describe("a group", () => {
  test("is held by one, and the next waits until it is released", () => {
    expect(locks.request(by("r1")).standing).toEqual({ kind: "running", fence: 1 });
    expect(locks.request(by("r2")).standing).toMatchObject({ kind: "pending", ahead: 1, holder: { run: "r1" } });
    expect(locks.release(by("r1"))).toMatchObject({ run: "r2", socket: "/r2" });
    expect(locks.poll(by("r2")).standing).toEqual({ kind: "running", fence: 2 });
    expect(locks.holds(by("r1"), 1)).toBe(false);
    expect(locks.holds(by("r2"), 2)).toBe(true);
  });

  test("has a name without case, and is apart from other groups", () => {
    locks.request(by("r1", { group: "Deploy" }));
    expect(locks.request(by("r2", { group: "dEPLOY" })).standing.kind).toBe("pending");
    expect(locks.request(by("r3", { group: "test" })).standing.kind).toBe("running");
  });

  test("has one waiting place, and a newcomer takes it", () => {
    locks.request(by("r1"));
    locks.request(by("r2"));
    const change = locks.request(by("r3"));
    expect(change.displaced).toMatchObject([{ run: "r2" }]);
    expect(locks.poll(by("r2")).standing).toEqual({ kind: "displaced" });
    expect(locks.release(by("r1"))).toMatchObject({ run: "r3" });
  });

  test("with queue: max keeps up to 100 in order", () => {
    locks.request(by("r0"));
    for (let i = 1; i <= MAX_PENDING; i += 1) expect(locks.request(by(`r${i}`, { queue: "max" })).standing).toMatchObject({ ahead: i });
    expect(locks.request(by("r101", { queue: "max" })).standing).toEqual({ kind: "displaced" });
    for (let i = 0; i < MAX_PENDING; i += 1) expect(locks.release(by(`r${i}`))).toMatchObject({ run: `r${i + 1}` });
  });

  test("with cancel-in-progress names the holder that is to be cancelled, and waits for its end", () => {
    locks.request(by("r1"));
    const change = locks.request(by("r2", { cancelInProgress: true }));
    expect(change).toMatchObject({ toCancel: { run: "r1", socket: "/r1" }, standing: { kind: "pending" } });
    expect(locks.request(by("r3", { group: "free", cancelInProgress: true })).toCancel).toBeUndefined();
  });

  test("of a dead process is taken, and said so", () => {
    locks.request(by("r1"));
    locks.request(by("r2"));
    dead.add(1);
    expect(locks.poll(by("r2"))).toMatchObject({ standing: { kind: "running", fence: 2 }, takenFrom: { run: "r1" } });
    expect(locks.holds(by("r1"), 1)).toBe(false);
  });

  test("passes over those who died while they waited", () => {
    locks.request(by("r1"));
    locks.request(by("r2", { queue: "max" }));
    locks.request(by("r3", { queue: "max" }));
    dead.add(2);
    expect(locks.release(by("r1"))).toMatchObject({ run: "r3" });
  });

  test("stays with a resumed run under a new fence, if nobody took it", () => {
    locks.request(by("r1"));
    dead.add(1);
    expect(locks.ticketsOf("r1")).toMatchObject([{ group: "deploy", isHeld: true }]);
    expect(locks.request(by("r1", { process: { pid: 9, startedAt: "later" } })).standing).toEqual({ kind: "running", fence: 2 });
    expect(locks.holds(by("r1"), 1)).toBe(false);
    expect(locks.request(by("r3")).standing).toMatchObject({ kind: "pending", holder: { process: { pid: 9 } } });
  });

  test("is given back with everything else of a run", () => {
    locks.request(by("r1"));
    locks.request(by("r1", { group: "other", requester: "job" }));
    locks.request(by("r2"));
    expect(locks.releaseRun("r1")).toMatchObject([{ run: "r2" }]);
    expect(locks.ticketsOf("r1")).toEqual([]);
  });

  test("is held by at most one of the living, whatever they do in whatever order", () => {
    const run = fc.integer({ min: 1, max: 5 });
    const step = fc.oneof(
      fc.record({
        do: fc.constant("request" as const),
        run,
        queue: fc.constantFrom("single" as const, "max" as const),
        cancelInProgress: fc.boolean(),
      }),
      fc.record({ do: fc.constantFrom("release" as const, "poll" as const, "die" as const), run }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        dead.clear();
        for (let i = 1; i <= 5; i += 1) locks.releaseRun(`r${i}`);
        let lastFence = 0;
        for (const one of steps) {
          const party = by(`r${one.run}`);
          if (one.do === "die") dead.add(one.run);
          if (dead.has(one.run)) continue;
          if (one.do === "request") locks.request({ ...party, queue: one.queue, cancelInProgress: one.cancelInProgress });
          if (one.do === "release") locks.release(party);
          if (one.do === "poll") locks.poll(party);
          const standings = [1, 2, 3, 4, 5].filter((i) => !dead.has(i)).map((i) => locks.poll(by(`r${i}`)).standing);
          const running = standings.filter((standing) => standing.kind === "running");
          expect(running.length).toBeLessThanOrEqual(1);
          if (standings.some((standing) => standing.kind === "pending")) expect(running).toHaveLength(1);
          for (const { fence } of running) {
            expect(fence).toBeGreaterThanOrEqual(lastFence);
            lastFence = fence;
          }
        }
      }),
      { numRuns: 60 },
    );
  });
});

describe("the file of locks", () => {
  test("says so when it is damaged, newer, or in the way", () => {
    const damaged = join(directory, "damaged.db");
    writeFileSync(damaged, "this is not a database, and it is long enough to be read as one".repeat(20));
    expect(() => new LockStore(damaged)).toThrow(expect.objectContaining({ code: "STORE_CORRUPT" }));

    const newer = join(directory, "newer.db");
    const database = new DatabaseSync(newer);
    database.exec("PRAGMA user_version = 99");
    database.close();
    expect(() => new LockStore(newer)).toThrow(expect.objectContaining({ code: "STORE_NEWER" }));

    mkdirSync(join(directory, "folder"));
    expect(() => new LockStore(join(directory, "folder"))).toThrow(expect.objectContaining({ code: "STORE_IO" }));
  });

  test("is shared by those who open it", () => {
    using other = open();
    locks.request(by("r1"));
    expect(other.request(by("r2")).standing.kind).toBe("pending");
    locks.release(by("r1"));
    expect(other.poll(by("r2")).standing.kind).toBe("running");
  });
});
