// Faults that are put into the engine's surroundings, to see that the checks find them. Each wraps a port; those inside the
// rules and loops are put in place of a module's function by planted-faults.test.ts.

import type { HubClient } from "../../src/loops/engine.ts";
import type { ActivityExecutor } from "../../src/loops/environment.ts";
import { SignalboxError } from "../../src/model/errors.ts";
import { asExecutionId } from "../../src/model/ids.ts";
import type { Batch, DueTimer, InstanceRef, Part, PartAnswer, Store } from "../../src/store/store.ts";
import type { OpenedStore } from "./backends.ts";
import type { ActivityResult } from "./interpreter.ts";
import type { Plant } from "./plant.ts";

/** An object with some of its methods replaced; the others keep their own `this`. */
export function withMethods<T extends object>(target: T, methods: Partial<T>): T {
  return new Proxy(target, {
    get: (_, name) => {
      const value: unknown = Reflect.get(name in methods ? methods : target, name, target);
      return typeof value === "function" && !(name in methods) ? value.bind(target) : value;
    },
  });
}

const withStore = (opened: OpenedStore, methods: (store: Store) => Partial<Store>): OpenedStore => ({
  ...opened,
  store: withMethods(opened.store, methods(opened.store)),
});

/** A batch is written part by part: a death leaves the first ones. */
export function commitNotAtomic(): Plant {
  return {
    opened: (opened) => ({
      ...opened,
      dieInCommit: async ({ epoch, parts }, count) => void (await opened.store.commit({ epoch, parts: parts.slice(0, count) })),
    }),
  };
}

/** Callers are answered when the request is made. */
export function replyBeforeCommit(): Plant {
  return {
    client: (client) =>
      withMethods<HubClient>(client, {
        raiseEvent: async (...call) => void client.raiseEvent(...call).catch(() => undefined),
      }),
  };
}

/** The store takes batches of every epoch. */
export function fenceIgnored(): Plant {
  return {
    opened: (opened) => withStore(opened, (store) => ({ commit: ({ parts }) => store.commit({ epoch: store.epoch, parts }) })),
  };
}

/** Resolutions are delivered to whatever execution is there; the rules have to look at it, too. */
export function tokenWithoutExecution(): Plant {
  const blind = (part: Part): Part => {
    if (part.kind !== "deliver") return part;
    const { executionId: _, ...rest } = part;
    return rest;
  };
  return {
    opened: (opened) => withStore(opened, (store) => ({ commit: ({ epoch, parts }) => store.commit({ epoch, parts: parts.map(blind) }) })),
  };
}

/** A reader remembers how far it has come, and takes only what is beyond. */
export function inboxReadPastMark(): Plant {
  const marks = new Map<InstanceRef, number>();
  return {
    opened: (opened) =>
      withStore(opened, (store) => ({
        load: async (ref) => {
          const stored = await store.load(ref);
          if (stored === undefined) return undefined;
          const mark = marks.get(ref) ?? Number.NEGATIVE_INFINITY;
          const inbox = stored.inbox.filter(({ key }) => key > mark);
          marks.set(ref, Math.max(mark, ...stored.inbox.map(({ key }) => key)));
          return { ...stored, inbox };
        },
      })),
  };
}

/** A part without an effect. */
const NOTHING: Part = { kind: "forgetActivity", activity: { ref: -1, executionId: asExecutionId(""), actionId: 0 } };

/** What was in flight at a crash keeps its attempt. */
export function attemptNotDurable(): Plant {
  return {
    opened: (opened) =>
      withStore(opened, (store) => ({
        commit: ({ epoch, parts }) => store.commit({ epoch, parts: parts.map((part) => (part.kind === "raiseAttempts" ? NOTHING : part)) }),
      })),
  };
}

/** Timers of an execution that has been replaced fire for the next one. */
export function oldTimerFires(): Plant {
  const armed = new Map<InstanceRef, { readonly timerId: number; readonly fireAt: number }[]>();
  const left = new Map<InstanceRef, DueTimer[]>();
  const note = async (store: Store, part: Part): Promise<void> => {
    if (part.kind !== "turn") return;
    const { ref, next } = part;
    if (next === undefined) {
      armed.set(ref, [...(armed.get(ref) ?? []), ...part.addTimers]);
      return;
    }
    const row = (await store.load(ref))?.row;
    if (row === undefined) return;
    const { hub, instanceId } = row;
    left.set(
      ref,
      (armed.get(ref) ?? []).map((timer) => ({ ref, hub, instanceId, executionId: next.executionId, ...timer })),
    );
    armed.delete(ref);
  };
  return {
    opened: (opened) =>
      withStore(opened, (store) => ({
        commit: async (batch: Batch) => {
          const answers = await store.commit(batch);
          for (const part of batch.parts) await note(store, part);
          return answers;
        },
        dueTimers: async (until, limit) => {
          const old = [...left.values()].flat();
          left.clear();
          return [...old, ...(await store.dueTimers(until, limit))].toSorted((a, b) => a.fireAt - b.fireAt);
        },
      })),
  };
}

/** One of the requests for a tick is forgotten. */
export function wakeUpDropped(): Plant {
  let count = 0;
  return { wake: (wake) => () => (++count === 25 ? undefined : wake()) };
}

/** Nobody counts what runs. */
export function limitsIgnored(): Plant {
  return { executor: (executor) => withMethods<ActivityExecutor>(executor, { maxConcurrent: () => Number.POSITIVE_INFINITY }) };
}

/** The store blames another instance than the one at fault. */
export function innocentRefused(): Plant {
  let count = 0;
  const refused = new Set<Part>();
  const isTurn = (part: Part): boolean => part.kind === "turn" && part.append.length > 0;
  return {
    opened: (opened) =>
      withStore(opened, (store) => ({
        commit: async (batch: Batch): Promise<readonly PartAnswer[]> => {
          if (batch.parts.some(isTurn) && ++count === 20) for (const part of batch.parts.filter(isTurn)) refused.add(part);
          if (batch.parts.some((part) => refused.has(part))) throw new SignalboxError("STORE_REFUSED", "not this one");
          return await store.commit(batch);
        },
      })),
  };
}

/** What an activity answers depends on how often it was tried. */
export function attemptInResult(): Plant {
  return {
    executor: (executor) =>
      withMethods<ActivityExecutor>(executor, {
        run: (task, attempt, report) =>
          executor.run(task, attempt, (outcome) => {
            if (outcome.kind !== "completed" || outcome.result === undefined) return report(outcome);
            const result = JSON.parse(outcome.result) as ActivityResult;
            report({ kind: "completed", result: JSON.stringify({ ...result, value: result.value + attempt }) });
          }),
      }),
  };
}

/** The second completion of an activity finds its row again. */
export function settledTwice(): Plant {
  return {
    opened: (opened) =>
      withStore(opened, (store) => ({
        commit: async (batch: Batch): Promise<readonly PartAnswer[]> => {
          const answers = await store.commit(batch);
          return answers.map((answer, index) => {
            const part = batch.parts[index];
            return part?.kind === "settle" && answer.kind === "unsettled" ? { kind: "settled", inboxKey: 1_000_000 + index } : answer;
          });
        },
      })),
  };
}

/** No key of a delivery is remembered. */
export function keysForgotten(): Plant {
  const forgetful = (part: Part): Part => {
    if (part.kind !== "deliver" && part.kind !== "deliverToEntity") return part;
    const { once: _, ...rest } = part;
    return rest;
  };
  return {
    opened: (opened) =>
      withStore(opened, (store) => ({ commit: ({ epoch, parts }) => store.commit({ epoch, parts: parts.map(forgetful) }) })),
  };
}
