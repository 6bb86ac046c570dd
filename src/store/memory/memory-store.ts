// A store in memory: for tests, simulations and engines that need not survive. `state` is what a crash would leave.

import { isEntityId } from "../../model/entity.ts";
import { SignalboxError } from "../../model/errors.ts";
import { applyPart } from "../apply-part.ts";
import { type Core, callDirectly, type EncodedKey, type EncodedPage, type EncodedTimer, PAGE_LENGTH } from "../core.ts";
import type { EncodedBatch } from "../encoding/parts.ts";
import type { EncodedActivityRow, EncodedInstance, EncodedSlice, EncodedStored } from "../encoding/rows.ts";
import { expandText, type Text } from "../encoding/text.ts";
import { storeOver } from "../facade.ts";
import { matchesFilter, pageStart, rowLength } from "../filter.ts";
import type { InstanceFilter, Page, PartAnswer, Store } from "../store.ts";
import { type MemoryInstance, MemoryState } from "./memory-state.ts";
import { MemoryTables } from "./memory-tables.ts";

export interface MemoryStoreOptions {
  /** What an earlier handle left; opening raises its epoch and so fences that handle (E4). */
  readonly state?: MemoryState;
}

export async function openMemoryStore(options: MemoryStoreOptions = {}): Promise<Store> {
  const core = new MemoryCore(options.state ?? new MemoryState());
  return storeOver({ epoch: core.epoch, call: callDirectly<Core>(core), close: async () => core.close() });
}

class MemoryCore implements Core {
  readonly epoch: number;
  readonly #state: MemoryState;
  #isClosed = false;

  constructor(state: MemoryState) {
    this.#state = state;
    this.epoch = ++state.epoch;
  }

  close(): void {
    this.#isClosed = true;
  }

  commit(batch: EncodedBatch): readonly PartAnswer[] {
    this.#checkOpen();
    if (batch.epoch !== this.#state.epoch) {
      throw new SignalboxError(
        "OWNERSHIP_LOST",
        `The store was opened again (epoch ${this.#state.epoch}); epoch ${batch.epoch} changes nothing.`,
      );
    }
    const tables = new MemoryTables(this.#state);
    const added = batch.blobs.filter(([hash]) => !this.#state.blobs.has(hash));
    for (const [hash, json] of added) this.#state.blobs.set(hash, json);
    try {
      const answers = batch.parts.map((part) => applyPart(tables, part));
      tables.collectBlobs(batch.blobs.map(([hash]) => hash));
      return answers;
    } catch (error) {
      tables.undo();
      for (const [hash] of added) this.#state.blobs.delete(hash);
      throw error;
    }
  }

  instance(hub: string, instanceId: string, withPayloads: boolean): EncodedInstance | null {
    const found = this.#find(hub, instanceId);
    return found === null ? null : this.#read(found.ref, found.instance, withPayloads);
  }

  instances(filter: InstanceFilter, page: Page): EncodedPage {
    this.#checkOpen();
    const rows: EncodedInstance[] = [];
    let length = 0;
    const start = pageStart(page);
    for (const [ref, instance] of this.#state.instances) {
      if (ref <= start) continue;
      const row = this.#read(ref, instance, page.withPayloads);
      if (!matchesFilter(row, filter)) continue;
      length += rowLength(row);
      if (rows.length >= page.limit || (rows.length > 0 && length > PAGE_LENGTH)) return { rows, next: String(rows.at(-1)?.ref) };
      rows.push(row);
    }
    return { rows, next: null };
  }

  history(hub: string, instanceId: string, from: number): EncodedSlice | null {
    const found = this.#find(hub, instanceId);
    if (found === null) return null;
    const { row, turns } = found.instance;
    const wanted = turns.filter((turn) => turn.first + turn.count > from);
    const taken: string[] = [];
    let length = 0;
    for (const turn of wanted) {
      const text = this.#expand(turn.text);
      length += text.length;
      if (taken.length > 0 && length > PAGE_LENGTH) break;
      taken.push(text);
    }
    return { executionId: row.executionId, first: wanted[0]?.first ?? from, turns: taken, isLast: taken.length === wanted.length };
  }

  hubs(after: string | null, limit: number): readonly string[] {
    this.#checkOpen();
    const hubs = new Set([...this.#state.instances.values()].map(({ row }) => row.hub));
    return [...hubs]
      .toSorted()
      .filter((hub) => after === null || hub > after)
      .slice(0, limit);
  }

  children(hub: string, instanceId: string): readonly EncodedKey[] {
    const found = this.#find(hub, instanceId);
    return found === null ? [] : new MemoryTables(this.#state).children(found.ref).map(({ hub, instanceId }) => ({ hub, instanceId }));
  }

  load(ref: number): EncodedStored | null {
    this.#checkOpen();
    const instance = this.#state.instances.get(ref);
    if (instance === undefined) return null;
    return {
      row: this.#read(ref, instance, true),
      history: instance.turns.map((turn) => this.#expand(turn.text)),
      inbox: [...instance.inbox]
        .toSorted(([a], [b]) => a - b)
        .map(([key, { message, executionId }]) => ({ key, message: this.#expand(message), executionId })),
    };
  }

  awake(after: number, limit: number): readonly number[] {
    this.#checkOpen();
    const awake = [...this.#state.instances].filter(([ref, { inbox }]) => ref > after && inbox.size > 0);
    return awake.slice(0, limit).map(([ref]) => ref);
  }

  activities(after: number, limit: number): readonly EncodedActivityRow[] {
    this.#checkOpen();
    return [...this.#state.instances.values()]
      .flatMap(({ row: { hub, instanceId }, activities }) => [...activities.values()].map((activity) => ({ ...activity, hub, instanceId })))
      .filter((activity) => activity.order > after)
      .toSorted((a, b) => a.order - b.order)
      .slice(0, limit)
      .map((activity) => ({ ...activity, work: this.#expand(activity.work) }));
  }

  dueTimers(until: number, limit: number): readonly EncodedTimer[] {
    this.#checkOpen();
    return [...this.#state.instances]
      .flatMap(
        ([
          ref,
          {
            row: { hub, instanceId, executionId },
            timers,
          },
        ]) => [...timers].map(([timerId, fireAt]) => ({ ref, hub, instanceId, executionId, timerId, fireAt })),
      )
      .filter((timer) => timer.fireAt <= until)
      .toSorted((a, b) => a.fireAt - b.fireAt || a.ref - b.ref || a.timerId - b.timerId)
      .slice(0, limit);
  }

  nextDue(): number | null {
    this.#checkOpen();
    let earliest = Number.POSITIVE_INFINITY;
    for (const { timers, activities } of this.#state.instances.values()) {
      for (const fireAt of timers.values()) earliest = Math.min(earliest, fireAt);
      for (const { dueAt } of activities.values()) if (dueAt !== null) earliest = Math.min(earliest, dueAt);
    }
    return earliest === Number.POSITIVE_INFINITY ? null : earliest;
  }

  #find(hub: string, instanceId: string): { readonly ref: number; readonly instance: MemoryInstance } | null {
    this.#checkOpen();
    const ref = this.#state.refs.get(hub)?.get(instanceId);
    const instance = ref === undefined ? undefined : this.#state.instances.get(ref);
    return ref === undefined || instance === undefined ? null : { ref, instance };
  }

  #read(ref: number, { row, inbox }: MemoryInstance, withPayloads: boolean): EncodedInstance {
    const expand = (text: Text | null): string | null => (text === null ? null : this.#expand(text));
    const payload = (text: Text | null): string | null => (withPayloads ? expand(text) : null);
    return {
      ...row,
      ref,
      stalled: expand(row.stalled),
      parent: expand(row.parent),
      tags: expand(row.tags),
      traceContext: expand(row.traceContext),
      input: payload(row.input),
      output: payload(row.output),
      failure: payload(row.failure),
      customStatus: payload(row.customStatus),
      entityState: payload(row.entityState),
      hasEntityState: row.entityState !== null,
      entityLock: expand(row.entityLock),
      inboxLength: isEntityId(row.instanceId) ? inbox.size : null,
    };
  }

  #expand(text: Text): string {
    return expandText(text, (hash) => {
      const json = this.#state.blobs.get(hash);
      if (json === undefined) throw new SignalboxError("STORE_CORRUPT", `The store in memory has lost the payload ${hash}.`);
      return json;
    });
  }

  #checkOpen(): void {
    if (this.#isClosed) throw new SignalboxError("SHUT_DOWN", "The store is closed.");
  }
}
