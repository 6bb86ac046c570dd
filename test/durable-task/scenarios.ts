// What orchestrations do, each with the result that it has to have wherever its definitions run: in an embedded engine, in a
// worker of our server, in a worker of another one.

import type { HubClient, InstanceState } from "../../src/loops/engine.ts";
import type { JsonValue } from "../../src/model/payload.ts";
import type { Activity, Orchestrator, Value } from "../../src/runtime/context.ts";
import { defineActivity, defineOrchestrator } from "../../src/runtime/define.ts";
import { isActivityError, isChildError } from "../../src/runtime/errors.ts";

export interface Scenario {
  readonly name: string;
  // oxlint-disable-next-line typescript/no-explicit-any -- a registry holds definitions of every input and output type
  readonly orchestrators: readonly Orchestrator<any, any>[];
  // oxlint-disable-next-line typescript/no-explicit-any -- as above
  readonly activities: readonly Activity<any, any>[];
  /** Answers the instance whose end is looked at. */
  readonly run: (client: Pick<HubClient, "start" | "raiseEvent">) => Promise<string>;
  readonly ends: Partial<InstanceState>;
}

const VALUES: readonly Value[] = [0, "", false, null, [], {}, "\u0000 \u{1F600}", -0.5, { deep: [{ er: null }] }];

const double = defineActivity("double", (_, n: number) => n * 2);
const same = defineActivity("same", (_, value: Value) => value);

const sequence = defineOrchestrator("sequence", async (ctx, rounds: number) => {
  let sum = 0;
  for (let round = 0; round < rounds; round += 1) sum += await ctx.callActivity(double, round);
  return sum;
});

const fanOut = defineOrchestrator("fan-out", async (ctx, width: number) => {
  const results = await Promise.all(Array.from({ length: width }, (_, index) => ctx.callActivity(double, index)));
  return results.reduce((sum, result) => sum + result, 0);
});

const values = defineOrchestrator("values", async (ctx, first: Value) => {
  const seen: Value[] = [first];
  for (const value of VALUES) {
    seen.push(await ctx.callActivity(same, value));
    seen.push(await ctx.callSubOrchestration("echo", value));
  }
  const nothing = (await ctx.callActivity("same")) === undefined && (await ctx.callSubOrchestration("echo")) === undefined;
  return { seen: seen as never, nothing };
});
const echo = defineOrchestrator("echo", async (_, value: Value) => value);

const race = defineOrchestrator("race", async (ctx) => {
  const slow = ctx.createTimer(60_000).then(() => "timer");
  const told = ctx.waitForEvent("told").then((value) => ["told", value]);
  const first = await Promise.race([slow, told]);
  const quick = await Promise.race([ctx.createTimer(1).then(() => "timer"), ctx.waitForEvent("never").then(() => "event")]);
  return [first, quick];
});

const family = defineOrchestrator("family", async (ctx) => {
  const fails = ctx.callSubOrchestration("weak", "first", { retry: { maxAttempts: 2, firstDelayMs: 1 } });
  const failure = await fails.catch((error: unknown) =>
    isChildError(error) ? [error.failure.type, error.failure.message] : "no ChildError",
  );
  return [failure, await ctx.callSubOrchestration(echo, "fine")] as const;
});
const weak = defineOrchestrator("weak", async (ctx, which: string) => {
  await ctx.callActivity(double, 1);
  throw new RangeError(`${which} did not hold`);
});

class Precise extends Error {
  override readonly name = "Precise";
  readonly isNonRetriable = true;
}
const attempts = defineActivity("attempts", (ctx, until: number) => {
  if (ctx.attempt < until) throw new TypeError(`attempt ${ctx.attempt}`, { cause: new Error("tired") });
  const [, , actionId] = JSON.parse(ctx.idempotencyKey) as readonly [string, string, number];
  return { attempt: ctx.attempt, key: actionId };
});
const hopeless = defineActivity("hopeless", () => {
  throw new Precise("never again");
});
const failures = defineOrchestrator("failures", async (ctx) => {
  const retry = { maxAttempts: 3, firstDelayMs: 1 };
  const told = (error: unknown): Value => {
    if (!isActivityError(error)) return "no ActivityError";
    const { type, message, cause, isNonRetriable = false } = error.failure;
    return { type, message, cause: cause?.message ?? null, isNonRetriable };
  };
  return [
    await ctx.callActivity(attempts, 3, { retry }),
    await ctx.callActivity(attempts, 9, { retry }).catch(told),
    await ctx.callActivity(attempts, 2).catch(told),
    await ctx.callActivity(hopeless, undefined, { retry }).catch(told),
  ] as never;
});

const never = defineActivity(
  "never",
  ({ signal }) => new Promise<never>((_, reject) => signal.addEventListener("abort", () => reject(signal.reason as Error))),
);
const bounded = defineOrchestrator("bounded", async (ctx) => {
  const type = (error: unknown): Value => (isActivityError(error) ? error.failure.type : "no ActivityError");
  return [
    await ctx.callActivity(never, undefined, { startToCloseMs: 20 }).catch(type),
    await ctx.callActivity(never, undefined, { scheduleToCloseMs: 20 }).catch(type),
    await ctx.callActivity(double, 4, { scheduleToCloseMs: 60_000, startToCloseMs: 60_000 }),
  ];
});

const rounds = defineOrchestrator("rounds", async (ctx, seen: readonly JsonValue[]) => {
  const all = [...seen, (await ctx.waitForEvent("Round")) ?? null];
  if (all.length < 6) ctx.continueAsNew(all);
  return all;
});

const changed = defineOrchestrator("changed", async (ctx) => {
  const first = ctx.patched("first");
  const doubled = await ctx.callActivity(double, 1);
  const second = ctx.patched("second");
  await ctx.createTimer(1);
  return [first, second, ctx.patched("first"), doubled];
});

const shown = defineOrchestrator("shown", async (ctx) => {
  ctx.setCustomStatus({ at: 1 });
  await ctx.callActivity(double, 1);
  ctx.setCustomStatus("last");
  await ctx.callActivity(double, 2);
  return ctx.newGuid() === ctx.newGuid();
});

const sender = defineOrchestrator("sender", async (ctx, to: string) => {
  ctx.sendEvent(to, "Greeting", { from: ctx.instanceId });
  ctx.sendEvent("nobody", "Greeting", "lost");
  await ctx.callActivity(double, 1);
  return "sent";
});
const receiver = defineOrchestrator("receiver", async (ctx) => {
  const greetings = [await ctx.waitForEvent("greeting"), await ctx.waitForEvent("greeting")];
  // Of two senders either may be first.
  return greetings.map((greeting) => JSON.stringify(greeting)).toSorted();
});

const tired = { type: "TypeError", message: "attempt 3", cause: "tired", isNonRetriable: false };

export const SCENARIOS: readonly Scenario[] = [
  {
    name: "a sequence of activities",
    orchestrators: [sequence],
    activities: [double],
    run: (client) => client.start(sequence, 10),
    ends: { status: "Completed", output: 90 },
  },
  {
    name: "a fan-out",
    orchestrators: [fanOut],
    activities: [double],
    run: (client) => client.start(fanOut, 50),
    ends: { status: "Completed", output: 2_450 },
  },
  {
    name: "values come back as they went, and nothing as nothing",
    orchestrators: [values, echo],
    activities: [same],
    run: (client) => client.start(values, 0),
    ends: { status: "Completed", input: 0, output: { seen: [0, ...VALUES.flatMap((value) => [value, value])] as never, nothing: true } },
  },
  {
    name: "events and timers race",
    orchestrators: [race],
    activities: [],
    run: async (client) => {
      const id = await client.start(race, undefined);
      await client.raiseEvent(id, "TOLD", { by: "hand" });
      return id;
    },
    ends: { status: "Completed", output: [["told", { by: "hand" }], "timer"] },
  },
  {
    name: "children end well and badly",
    orchestrators: [family, weak, echo],
    activities: [double],
    run: (client) => client.start(family, undefined),
    ends: { status: "Completed", output: [["RangeError", "first did not hold"], "fine"] },
  },
  {
    name: "activities fail with data, and are tried again under the same key",
    orchestrators: [failures],
    activities: [attempts, hopeless],
    run: (client) => client.start(failures, undefined),
    ends: {
      status: "Completed",
      output: [
        { attempt: 3, key: 1 },
        tired,
        { ...tired, message: "attempt 1" },
        { type: "Precise", message: "never again", cause: null, isNonRetriable: true },
      ],
    },
  },
  {
    name: "timeouts of activities",
    orchestrators: [bounded],
    activities: [never, double],
    run: (client) => client.start(bounded, undefined),
    ends: { status: "Completed", output: ["ActivityTimeout", "ActivityTimeout", 8] },
  },
  {
    name: "an orchestration that fails",
    orchestrators: [weak],
    activities: [double],
    run: (client) => client.start(weak, "it"),
    ends: { status: "Failed", failure: { type: "RangeError", message: "it did not hold" } },
  },
  {
    name: "continue-as-new keeps events that come early",
    orchestrators: [rounds],
    activities: [],
    run: async (client) => {
      const id = await client.start(rounds, []);
      for (let round = 1; round <= 6; round += 1) await client.raiseEvent(id, "round", round);
      return id;
    },
    ends: { status: "Completed", output: [1, 2, 3, 4, 5, 6] },
  },
  {
    name: "patched code",
    orchestrators: [changed],
    activities: [double],
    run: (client) => client.start(changed, undefined),
    ends: { status: "Completed", output: [true, true, true, 2] },
  },
  {
    name: "custom status and generated ids",
    orchestrators: [shown],
    activities: [double],
    run: (client) => client.start(shown, undefined),
    ends: { status: "Completed", output: false, customStatus: "last" },
  },
  {
    name: "events between instances",
    orchestrators: [sender, receiver],
    activities: [double],
    run: async (client) => {
      const id = await client.start(receiver, undefined, { instanceId: "the-receiver" });
      await client.start(sender, id, { instanceId: "one" });
      await client.raiseEvent(id, "Greeting", "by hand");
      return id;
    },
    ends: { status: "Completed", output: ['"by hand"', '{"from":"one"}'] },
  },
];
