// Concurrency groups of one run's process: asks the shared file of locks, and waits without asking again and again. A
// waiter hears of a release by a hint to its control socket, and of the holder's death by the end of a connection that it
// keeps to the holder's. A slow sweep stands behind both.

import { SignalboxError } from "../../model/errors.ts";
import type { LockStore } from "../../store/locks/lock-store.ts";
import type { GroupChange, LockParty, LockTicket } from "../../store/locks/parties.ts";
import type { ProcessIdentity } from "../../store/locks/process-identity.ts";
import type { Groups } from "../../workflow/run/ports.ts";
import type { GroupAnswer, GroupRequest } from "../../workflow/run/records.ts";
import { ask, type Connection, open } from "./control-client.ts";

const SWEEP_MS = 5_000;

export interface GroupParty {
  readonly runId: string;
  readonly process: ProcessIdentity;
  readonly socket: string;
  /** Opens the file of locks, when the first group is asked for. */
  readonly openLocks: () => Promise<LockStore>;
  readonly notice: (message: string) => void;
  /** Ends what is alive of another run, whose process has died: its steps must not go on beside the next holder's. */
  readonly endSteps: (runId: string) => Promise<void>;
  /** Kept in the run's directory: after a crash the run asks for these again before it starts anything. */
  readonly saveHeld: (held: readonly LockTicket[]) => void;
}

interface Held extends LockTicket {
  readonly fence: number;
}

export class RunGroups implements Groups, Disposable {
  readonly #party: GroupParty;
  readonly #held = new Map<string, Held>();
  readonly #wakers = new Set<() => void>();
  #locks: LockStore | undefined;
  #opening: Promise<LockStore> | undefined;

  constructor(party: GroupParty) {
    this.#party = party;
  }

  async acquire(request: GroupRequest, signal: AbortSignal): Promise<GroupAnswer> {
    const ticket = { group: request.group, run: request.runId, requester: request.holder };
    return this.#wait(ticket, { queue: request.queue, cancelInProgress: request.cancelInProgress }, signal);
  }

  async release(request: GroupRequest): Promise<void> {
    const ticket = { group: request.group, run: request.runId, requester: request.holder };
    const locks = await this.#open();
    this.#held.delete(keyOf(ticket));
    this.#save();
    hint(locks.release(ticket));
  }

  lost(runId: string): string | undefined {
    for (const held of this.#held.values())
      if (held.run === runId && this.#locks?.holds(held, held.fence) !== true)
        return `Run ${runId} no longer holds the concurrency group "${held.group}", so it starts nothing more.`;
    return undefined;
  }

  /** After a crash: gets back what the run held, before it goes on. Waits in line where another run has taken it. */
  async takeBack(tickets: readonly LockTicket[], signal: AbortSignal): Promise<void> {
    for (const ticket of tickets) {
      const answer = await this.#wait(ticket, { queue: "max", cancelInProgress: false }, signal);
      if (answer.kind === "superseded") throw new SignalboxError("FAILED_PRECONDITION", `${answer.message} Resume the run again later.`);
    }
  }

  /** Somebody has given something back: look again. */
  wake(): void {
    for (const waker of this.#wakers) waker();
  }

  /** The run has ended: whatever it still holds or waits for goes to others. */
  releaseAll(): void {
    if (this.#locks === undefined) return;
    this.#held.clear();
    this.#save();
    for (const promoted of this.#locks.releaseRun(this.#party.runId)) hint(promoted);
  }

  [Symbol.dispose](): void {
    this.#locks?.[Symbol.dispose]();
    this.#locks = undefined;
  }

  async #open(): Promise<LockStore> {
    this.#opening ??= this.#party.openLocks();
    this.#locks = await this.#opening;
    return this.#locks;
  }

  async #wait(
    ticket: LockTicket,
    how: { readonly queue: "single" | "max"; readonly cancelInProgress: boolean },
    signal: AbortSignal,
  ): Promise<GroupAnswer> {
    const locks = await this.#open();
    let change = locks.request({ ...ticket, process: this.#party.process, socket: this.#party.socket, ...how });
    for (const displaced of change.displaced) hint(displaced);
    if (change.standing.kind === "pending")
      this.#party.notice(`Waits for the concurrency group "${ticket.group}", which run ${change.standing.holder.run} holds.`);
    for (;;) {
      await this.#tell(ticket, change);
      if (change.standing.kind === "running") return this.#hold({ ...ticket, fence: change.standing.fence });
      if (change.standing.kind === "displaced")
        return { kind: "superseded", message: `A newer request took the waiting place in the concurrency group "${ticket.group}".` };
      const { holder } = change.standing;
      if (how.cancelInProgress) void requestCancel(holder, ticket);
      try {
        await this.#somethingHappened(holder, signal);
      } catch (error) {
        hint(locks.release(ticket));
        throw error;
      }
      change = locks.poll(ticket);
    }
  }

  #hold(held: Held): GroupAnswer {
    this.#held.set(keyOf(held), held);
    this.#save();
    return { kind: "held" };
  }

  #save(): void {
    this.#party.saveHeld([...this.#held.values()].map(({ group, run, requester }) => ({ group, run, requester })));
  }

  async #tell(ticket: LockTicket, { takenFrom, promoted }: GroupChange): Promise<void> {
    if (takenFrom !== undefined) {
      this.#party.notice(
        `Took the concurrency group "${ticket.group}" from run ${takenFrom.run}: its process ${takenFrom.process.pid} has died.`,
      );
      if (takenFrom.run !== this.#party.runId) await this.#party.endSteps(takenFrom.run);
    }
    if (promoted !== undefined) hint(promoted);
  }

  /** A hint, the holder's end, or the sweep; rejects with the signal's reason. */
  async #somethingHappened(holder: LockParty, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const aborted = () => reject(signal.reason);
    const sweep = setTimeout(resolve, SWEEP_MS);
    signal.addEventListener("abort", aborted);
    this.#wakers.add(resolve);
    let watch: Connection | undefined;
    const connecting = holder.process.pid === this.#party.process.pid ? undefined : open(holder.socket);
    const whenGone = async () => {
      watch = await connecting;
      await watch?.closed;
      if (watch !== undefined) resolve();
    };
    void whenGone();
    try {
      await promise;
    } finally {
      clearTimeout(sweep);
      signal.removeEventListener("abort", aborted);
      this.#wakers.delete(resolve);
      void connecting?.then(() => watch?.close());
    }
  }
}

const keyOf = ({ group, requester }: LockTicket): string => JSON.stringify([group.toLowerCase(), requester]);

/** Only a hint: whoever does not hear it finds out by its sweep. */
function hint(party: LockParty | undefined): void {
  if (party !== undefined) void ask(party.socket, { op: "hint" }).catch(() => {});
}

/** Repeated with every look at the group, so that one request that got lost does no harm. */
async function requestCancel(holder: LockParty, ticket: LockTicket): Promise<void> {
  const reason = `A newer request in the concurrency group "${ticket.group}" cancels what is in progress.`;
  await ask(holder.socket, { op: "cancel", reason, holder: holder.requester }).catch(() => {});
}
