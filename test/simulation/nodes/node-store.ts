// The port as one node has it: calls reach the shared store after a while, in their order, and so do the answers. A node that
// is gone sends and hears nothing more; what a frozen one has sent arrives when it wakes.

import type { Hint, Sharing, Store } from "../../../src/store/store.ts";
import type { World } from "../world.ts";
import type { SharedCore } from "./shared-core.ts";
import type { SharedState } from "./shared-state.ts";

export interface NodePorts {
  readonly state: SharedState;
  readonly disk: Store;
  readonly core: SharedCore;
  readonly world: World;
  /** The clock that all nodes go by. */
  readonly now: () => number;
  /** When the node can do anything, and never if it is gone. */
  readonly whenAwake: (run: () => void) => void;
  readonly listen: (listener: (hint: Hint) => void) => void;
}

export function nodeStore(ports: NodePorts): Store {
  const { state, disk, core } = ports;
  const call = line(ports);
  const sharing: Sharing = {
    now: ports.now,
    get hasPeers() {
      return state.living().size > 1;
    },
    listen: ports.listen,
    owned: (after, limit) => call(() => core.owned(after, limit)),
    claim: (wanted, refs, limit) => call(() => core.claim(wanted, refs, limit)),
    claimActivities: (wanted, limit) => call(() => core.claimActivities(wanted, limit)),
    claimedActivities: () => call(() => core.claimedActivities()),
    returnActivities: (orders) => call(() => core.returnActivities(orders)),
    inbox: (ref) => call(() => core.inbox(ref)),
    want: (ref) => core.tell({ kind: "wanted", refs: [ref] }),
    passCompletion: (epoch, { token, text }) =>
      call(() => {
        const isPassed = state.pass(epoch, token, text);
        if (isPassed) core.tell({ kind: "completions" }, epoch);
        return isPassed;
      }),
    takeCompletions: (seen, limit) =>
      call(() => {
        state.completions = state.completions.filter(({ id, node }) => node !== core.epoch || !seen.includes(id));
        return state.completions.filter(({ node }) => node === core.epoch).slice(0, limit);
      }),
  };
  return {
    epoch: core.epoch,
    sharing,
    commit: (batch) => call(() => core.commit(batch)),
    load: (ref) => call(() => core.load(ref)),
    awake: (after, limit) => call(() => core.awake(after, limit)),
    activities: (after, limit) => call(() => disk.activities(after, limit)),
    dueTimers: (until, limit) => call(() => core.dueTimers(until, limit)),
    nextDue: () => call(() => disk.nextDue()),
    instance: (key, withPayloads) => call(() => disk.instance(key, withPayloads)),
    instances: (filter, page) => call(() => disk.instances(filter, page)),
    history: (key, from) => call(() => disk.history(key, from)),
    hubs: (after, limit) => call(() => disk.hubs(after, limit)),
    children: (key) => call(() => disk.children(key)),
    [Symbol.asyncDispose]: () => call(() => core.leave()),
  };
}

function line({ world, whenAwake }: NodePorts): <Value>(run: () => Value | Promise<Value>) => Promise<Value> {
  let sentUntil = 0;
  let answeredUntil = 0;
  return <Value>(run: () => Value | Promise<Value>) => {
    const { promise, resolve, reject } = Promise.withResolvers<Value>();
    const answer = (tell: () => void): void => {
      answeredUntil = Math.max(answeredUntil, world.now + world.random.int("answer takes", 0, 5));
      world.after(answeredUntil - world.now, () => whenAwake(tell));
    };
    const carryOut = async (): Promise<void> => {
      try {
        const value = await run();
        answer(() => resolve(value));
      } catch (error) {
        answer(() => reject(error instanceof Error ? error : new Error(String(error))));
      }
    };
    sentUntil = Math.max(sentUntil, world.now + world.random.int("call takes", 0, 8));
    world.after(sentUntil - world.now, () => whenAwake(() => void carryOut()));
    return promise;
  };
}
