// Orchestrations of mixed shapes, each with the one result that it may end with whatever happens to servers, workers and
// connections while it runs.

import {
  EntityInstanceId,
  type LockHandle,
  type OrchestrationContext,
  RetryPolicy,
  TaskEntity,
  type TaskFailedError,
  whenAll,
  whenAny,
} from "@microsoft/durabletask-js";
import type { Definitions } from "../sdk.ts";

export const ACCOUNTS = ["a", "b", "c"] as const;
export const EVENTS = 6;

const retry = new RetryPolicy({ maxNumberOfAttempts: 30, firstRetryIntervalInMilliseconds: 1 });
const account = (key: string): EntityInstanceId => new EntityInstanceId("account", key);

class Account extends TaskEntity<number> {
  add(amount: number): number {
    this.state += amount;
    return this.state;
  }

  get(): number {
    return this.state;
  }

  protected override initializeState(): number {
    return 0;
  }
}

export const chaosDefinitions: Definitions = {
  orchestrators: {
    async *sequence(ctx: OrchestrationContext, seed: number) {
      let value = seed;
      for (let step = 0; step < 5; step += 1) value = yield ctx.callActivity("increment", value);
      return value;
    },

    async *fanOut(ctx: OrchestrationContext, seed: number) {
      const results: number[] = yield whenAll(Array.from({ length: 15 }, (_, index) => ctx.callActivity("increment", seed + index)));
      return results.reduce((sum, result) => sum + result, 0);
    },

    /** Activities fail now and then, and so do children, which take their predecessors' id. */
    async *family(ctx: OrchestrationContext, seed: number) {
      const children = [0, 1, 2].map((index) =>
        ctx.callSubOrchestrator("weakChild", seed + index, { retry, instanceId: `${ctx.instanceId}-${index}` }),
      );
      const results: number[] = yield whenAll(children);
      return results;
    },
    async *weakChild(ctx: OrchestrationContext, seed: number) {
      const result: number = yield ctx.callActivity("weak", seed, { retry });
      yield ctx.callActivity("weak", seed);
      return result;
    },

    /** Each event may come more than once, none less. */
    async *events(ctx: OrchestrationContext) {
      const seen = new Set<number>();
      while (seen.size < EVENTS) seen.add(yield ctx.waitForExternalEvent("item"));
      return Array.from(seen).toSorted((a, b) => a - b);
    },

    /** Exactly what was raised, in its order. */
    async *ordered(ctx: OrchestrationContext) {
      const seen: number[] = [];
      while (seen.length < EVENTS) seen.push(yield ctx.waitForExternalEvent("item"));
      return seen;
    },

    /** As `events`, over many executions. */
    async *rounds(ctx: OrchestrationContext, { left, seen }: { left: number; seen: number[] }) {
      yield ctx.callActivity("increment", left);
      yield ctx.createTimer(0.001);
      const item: number = yield ctx.waitForExternalEvent("item");
      const all = seen.includes(item) ? seen : [...seen, item].toSorted((a, b) => a - b);
      if (all.length < EVENTS) ctx.continueAsNew({ left: left + 1, seen: all }, true);
      return all;
    },

    async *timers(ctx: OrchestrationContext, seed: number) {
      const winner = ctx.createTimer(0.002);
      const loser = ctx.waitForExternalEvent("never");
      const first: unknown = yield whenAny([winner, loser]);
      yield ctx.createTimer(0.01 * (seed % 5));
      return first === winner;
    },

    /** What it takes from one account goes to the next, and nobody may see one without the other. */
    async *transfer(ctx: OrchestrationContext, seed: number) {
      const [from, to] = [ACCOUNTS[seed % 3] ?? "a", ACCOUNTS[(seed + 1) % 3] ?? "b"];
      const lock: LockHandle = yield ctx.entities.lockEntities(account(from), account(to));
      const before: number = yield ctx.entities.callEntity(account(from), "get");
      yield ctx.entities.callEntity(account(to), "add", seed);
      const after: number = yield ctx.entities.callEntity(account(from), "add", -seed);
      lock.release();
      return before - after;
    },

    async *counted(ctx: OrchestrationContext) {
      yield ctx.entities.callEntity(new EntityInstanceId("account", "counter"), "add", 1);
      ctx.entities.signalEntity(new EntityInstanceId("account", "signals"), "add", 1);
      yield ctx.callActivity("increment", 0);
      return "counted";
    },

    /** Is terminated while its children wait and a lock is held. */
    async *held(ctx: OrchestrationContext) {
      const children = [0, 1].map((index) => ctx.callSubOrchestrator("waits", undefined, { instanceId: `${ctx.instanceId}-${index}` }));
      yield whenAll([ctx.entities.lockEntities(account("a")), ...children]);
    },
    async *waits(ctx: OrchestrationContext) {
      yield ctx.waitForExternalEvent("never");
    },

    /** Fails as a whole, always in the same way. */
    async *fails(ctx: OrchestrationContext, seed: number) {
      try {
        yield ctx.callActivity("broken", seed);
      } catch (error) {
        throw new Error(`as it had to: ${(error as TaskFailedError).message.includes(`broken ${seed}`)}`, { cause: error });
      }
    },
  },
  activities: {
    increment: (_, value: number) => value + 1,
    weak: (_, value: number) => {
      if (Math.random() < 0.2) throw new Error("now and then");
      return value;
    },
    broken: (_, value: number) => {
      throw new Error(`broken ${value}`);
    },
  },
  entities: { account: () => new Account() },
};

export interface Shape {
  readonly name: string;
  readonly input: (seed: number) => unknown;
  /** Events, raised one after the other, each at least once, or exactly once by its key; absent: none. */
  readonly raises?: "repeatedly" | "once";
  /** Takes its seed from one account and gives it to the next. */
  readonly moves?: true;
  /** The output, or the message of the failure. */
  readonly result: (seed: number) => unknown;
  /** Completed, unless it says otherwise. */
  readonly ends?: "Failed" | "Terminated";
}

const items = Array.from({ length: EVENTS }, (_, index) => index);

export const SDK_SHAPES: readonly Shape[] = [
  { name: "sequence", input: (seed) => seed, result: (seed) => seed + 5 },
  { name: "fanOut", input: (seed) => seed, result: (seed) => 15 * seed + 120 },
  { name: "family", input: (seed) => seed, result: (seed) => [seed, seed + 1, seed + 2] },
  { name: "events", input: () => null, raises: "repeatedly", result: () => items },
  { name: "ordered", input: () => null, raises: "once", result: () => items },
  { name: "rounds", input: () => ({ left: 0, seen: [] }), raises: "repeatedly", result: () => items },
  { name: "timers", input: (seed) => seed, result: () => true },
  { name: "transfer", input: (seed) => seed, moves: true, result: (seed) => seed },
  { name: "counted", input: () => null, result: () => "counted" },
  { name: "fails", input: (seed) => seed, ends: "Failed", result: () => "as it had to: true" },
  { name: "held", input: () => null, ends: "Terminated", result: () => "enough" },
];
