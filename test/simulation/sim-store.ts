// The Store port as a simulated process has it: slow, refusing, failing, dying. Calls are carried out in their order and
// answered in it. What was carried out goes into the ledger, and every commit passes the checks on its way.

import { DEFAULT_LIMITS } from "../../src/loops/environment.ts";
import { isEntityId } from "../../src/model/entity.ts";
import { SignalboxError } from "../../src/model/errors.ts";
import type { HubName, InstanceKey } from "../../src/model/ids.ts";
import type {
  ActivityRow,
  Batch,
  DueTimer,
  HistorySlice,
  InstanceFilter,
  InstancePage,
  InstanceRef,
  InstanceRow,
  Page,
  Part,
  PartAnswer,
  Store,
  StoredInstance,
} from "../../src/store/store.ts";
import type { OpenedStore } from "./backends.ts";
import type { CommitChecks } from "./commit-checks.ts";
import { PROGRAMS } from "./interpreter.ts";
import { e12WarmIsNotReadAgain, isTurn } from "./invariants.ts";
import type { Weather } from "./weather.ts";
import type { World } from "./world.ts";

export interface Life {
  readonly number: number;
  isAlive: boolean;
}

export interface SimStoreOptions {
  readonly world: World;
  readonly opened: OpenedStore;
  readonly checks: CommitChecks;
  readonly weather: () => Weather;
  readonly life: Life;
  /** Kills the process; false if no more may die. */
  readonly crash: (why: string) => boolean;
}

export class SimStore implements Store {
  readonly epoch: number;
  /** Batches that the process has asked for and that are not carried out: what a former owner might still send (E4). */
  readonly waiting = new Set<Batch>();
  hasFailed = false;
  /** When the last turn of an instance was answered that leaves a live function in memory. */
  readonly #warmSince = new Map<InstanceRef, number>();
  readonly #options: SimStoreOptions;
  readonly #queue: (() => Promise<void>)[] = [];
  readonly #poisoned = new Set<InstanceRef>();
  #isBusy = false;
  #lastAnswerAt = 0;

  constructor(options: SimStoreOptions) {
    this.#options = options;
    this.epoch = options.opened.store.epoch;
  }

  get #inner(): Store {
    return this.#options.opened.store;
  }

  commit(batch: Batch): Promise<readonly PartAnswer[]> {
    const { checks, world } = this.#options;
    world.trace(`commit ${batch.parts.map(named).join()}`);
    checks.submitted(batch.parts);
    if (this.hasFailed) world.violate("E14", "a batch is sent after an error that ends the use of the store");
    const turns = batch.parts.filter(isTurn);
    const { outstanding } = checks.ledger;
    for (const turn of turns) outstanding.set(turn.ref, turn);
    this.waiting.add(batch);
    return this.#enqueue(
      () => this.#carryOut(batch),
      (isDone) => {
        for (const { ref } of turns) outstanding.delete(ref);
        this.#warm(batch.parts, isDone);
        checks.ledger.told();
      },
    );
  }

  load(ref: InstanceRef): Promise<StoredInstance | undefined> {
    const { checks, world } = this.#options;
    world.check("E12", e12WarmIsNotReadAgain(this.#isWarm(ref), ref));
    return this.#enqueue(async () => {
      const stored = await this.#inner.load(ref);
      world.trace(`load ${stored?.row.instanceId} ${stored?.history.length} ${stored?.inbox.length}`);
      checks.loaded(ref, stored);
      return stored;
    });
  }

  awake(after: InstanceRef, limit: number): Promise<readonly InstanceRef[]> {
    return this.#enqueue(() => this.#inner.awake(after, limit));
  }
  activities(after: number, limit: number): Promise<readonly ActivityRow[]> {
    return this.#enqueue(() => this.#inner.activities(after, limit));
  }
  dueTimers(until: number, limit: number): Promise<readonly DueTimer[]> {
    return this.#enqueue(() => this.#inner.dueTimers(until, limit));
  }
  nextDue(): Promise<number | undefined> {
    return this.#enqueue(() => this.#inner.nextDue());
  }
  instance(key: InstanceKey, withPayloads: boolean): Promise<InstanceRow | undefined> {
    return this.#enqueue(() => this.#inner.instance(key, withPayloads));
  }
  instances(filter: InstanceFilter, page: Page): Promise<InstancePage> {
    return this.#enqueue(() => this.#inner.instances(filter, page));
  }
  history(key: InstanceKey, from: number): Promise<HistorySlice | undefined> {
    return this.#enqueue(() => this.#inner.history(key, from));
  }
  hubs(after: HubName | undefined, limit: number): Promise<readonly HubName[]> {
    return this.#enqueue(() => this.#inner.hubs(after, limit));
  }
  children(key: InstanceKey): Promise<readonly InstanceKey[]> {
    return this.#enqueue(() => this.#inner.children(key));
  }
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#inner[Symbol.asyncDispose]();
  }

  async #carryOut(batch: Batch): Promise<readonly PartAnswer[]> {
    const { world, weather, crash, opened } = this.#options;
    const { random } = world;
    const { crashBeforeCommit, crashInCommit, crashAfterCommit, ioError } = weather();
    if (random.chance("crash before the commit", crashBeforeCommit) && crash("before a commit")) return await never();
    if (random.chance("crash in the commit", crashInCommit)) {
      const parts = random.int("parts carried out", 0, batch.parts.length - 1);
      if (crash("in a commit")) {
        await opened.dieInCommit(batch, parts);
        return await never();
      }
    }
    this.waiting.delete(batch);
    this.#refuseSome(batch);
    if (random.chance("the disk fails", ioError)) {
      const isWritten = random.chance("after the write", 0.5);
      if (isWritten) await this.#apply(batch);
      world.trace("the disk fails");
      this.hasFailed = true;
      throw new SignalboxError("STORE_IO", "The disk is gone.");
    }
    const extra = this.#duplicates(batch.parts);
    const answers = await this.#apply(extra.length === 0 ? batch : { ...batch, parts: [...batch.parts, ...extra] });
    if (random.chance("crash after the commit", crashAfterCommit) && crash("after a commit")) return await never();
    return answers.slice(0, batch.parts.length);
  }

  async #apply(batch: Batch): Promise<readonly PartAnswer[]> {
    const answers = await this.#inner.commit(batch);
    this.#options.checks.applied(batch.parts, answers);
    return answers;
  }

  /** E13: an instance whose turns the store refuses, until it stands alone and stalls. */
  #refuseSome({ parts }: Batch): void {
    const { world, weather, checks } = this.#options;
    const turns = parts.flatMap((part) => (part.kind === "turn" && part.append.length > 0 ? [part.ref] : []));
    const [first] = turns;
    if (weather().refusal === 0) this.#poisoned.clear();
    if (first !== undefined && world.random.chance("the store refuses", weather().refusal)) {
      const ref = world.random.pick("refused", [first, ...turns]);
      this.#poisoned.add(ref);
      checks.atFault.add(ref);
    }
    for (const part of parts) if (part.kind === "row" && part.row.stalled !== undefined) this.#poisoned.delete(part.ref);
    const refused = turns.find((ref) => this.#poisoned.has(ref));
    if (refused === undefined) return;
    world.trace("the store refuses");
    throw new SignalboxError("STORE_REFUSED", "The store does not like this turn.");
  }

  /** At least once is all that a sender is promised: the same resolution comes a second time. (An entity has none but its own timers.) */
  #duplicates(parts: readonly Part[]): readonly Part[] {
    const { world, weather } = this.#options;
    const { duplicateDelivery } = weather();
    return parts.filter(
      (part) =>
        part.kind === "deliver" &&
        part.executionId !== undefined &&
        !isEntityId(part.to.instanceId) &&
        world.random.chance("message comes twice", duplicateDelivery),
    );
  }

  /** Unless its limits or its idle time let the engine forget it. */
  #isWarm(ref: InstanceRef): boolean {
    const { idleMs, maxWarmInstances } = { ...DEFAULT_LIMITS, ...this.#options.weather().limits };
    const since = this.#warmSince.get(ref);
    return since !== undefined && maxWarmInstances > 1_000 && this.#options.world.now < since + idleMs;
  }

  #warm(parts: readonly Part[], isDone: boolean): void {
    for (const part of parts) {
      if (part.kind === "row") this.#warmSince.delete(part.ref);
      if (part.kind !== "turn" || part.append.length === 0) continue;
      const isHere = this.#options.checks.ledger.instances.get(part.ref)?.name === PROGRAMS.here;
      if (isDone && isHere && part.next === undefined && part.ended === undefined) this.#warmSince.set(part.ref, this.#options.world.now);
      else this.#warmSince.delete(part.ref);
    }
  }

  #enqueue<T>(call: () => Promise<T>, answered: (isDone: boolean) => void = () => undefined): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#queue.push(async () => {
        const settle = await call().then(
          (value) => () => {
            answered(true);
            resolve(value);
          },
          (error: unknown) => () => {
            answered(false);
            reject(error);
          },
        );
        this.#answer(settle);
      });
      this.#next();
    });
  }

  #next(): void {
    const { world, life } = this.#options;
    if (this.#isBusy) return;
    const call = this.#queue.shift();
    if (call === undefined) return;
    this.#isBusy = true;
    world.after(this.#delay(), () => {
      if (!life.isAlive) return;
      call().then(
        () => {
          this.#isBusy = false;
          this.#next();
        },
        (error: unknown) => world.violate("simulation", String(error)),
      );
    });
  }

  #answer(settle: () => void): void {
    const { world, life } = this.#options;
    this.#lastAnswerAt = Math.max(this.#lastAnswerAt, world.now + this.#delay());
    world.after(this.#lastAnswerAt - world.now, () => {
      if (life.isAlive) settle();
    });
  }

  #delay(): number {
    const { storeDelayMs } = this.#options.weather();
    return storeDelayMs === 0 ? 0 : this.#options.world.random.int("store takes", 0, storeDelayMs);
  }
}

function never<T>(): Promise<T> {
  return new Promise(() => undefined);
}

const named = (part: Part): string => ("ref" in part ? `${part.kind} ${part.ref}` : part.kind);
