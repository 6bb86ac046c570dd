// The port over a synchronous core, wherever that core runs: encodes what goes in, decodes what comes out.

import { asExecutionId, asHubName, asInstanceId, type HubName, type InstanceKey } from "../model/ids.ts";
import type { Call, Core, ReadCore } from "./core.ts";
import { encodeBatch } from "./encoding/encode-part.ts";
import type { EncodedBatch } from "./encoding/parts.ts";
import { decodeActivity, decodeInstance, decodeSlice, decodeStored } from "./encoding/rows.ts";
import type {
  ActivityRow,
  Batch,
  DueTimer,
  HistorySlice,
  InstanceFilter,
  InstancePage,
  InstanceRow,
  Page,
  PartAnswer,
  ReadStore,
  Sharing,
  Store,
  StoredInstance,
  TurnWatch,
} from "./store.ts";

/** A core that is open somewhere, and how it is reached. */
export interface OpenCore {
  readonly epoch: number;
  readonly call: Call<Core>;
  /** A quicker way for commits than `call`. */
  readonly commit?: (batch: EncodedBatch) => Promise<readonly PartAnswer[]>;
  readonly close: () => Promise<void>;
  readonly watch?: TurnWatch;
  readonly sharing?: Sharing;
}

class ReadFacade implements ReadStore {
  readonly #read: Call<ReadCore>;
  readonly #close: () => Promise<void>;

  constructor(call: Call<ReadCore>, close: () => Promise<void>) {
    this.#read = call;
    this.#close = close;
  }

  async instance(key: InstanceKey, withPayloads: boolean): Promise<InstanceRow | undefined> {
    const row = await this.#read("instance", key.hub, key.instanceId, withPayloads);
    return row === null ? undefined : decodeInstance(row);
  }

  async instances(filter: InstanceFilter, page: Page): Promise<InstancePage> {
    const { rows, next } = await this.#read("instances", filter, page);
    return { rows: rows.map(decodeInstance), ...(next !== null && { next }) };
  }

  async history(key: InstanceKey, from: number): Promise<HistorySlice | undefined> {
    const slice = await this.#read("history", key.hub, key.instanceId, from);
    return slice === null ? undefined : decodeSlice(slice, from);
  }

  async hubs(after: HubName | undefined, limit: number): Promise<readonly HubName[]> {
    return (await this.#read("hubs", after ?? null, limit)).map(asHubName);
  }

  async children(key: InstanceKey): Promise<readonly InstanceKey[]> {
    const keys = await this.#read("children", key.hub, key.instanceId);
    return keys.map(({ hub, instanceId }) => ({ hub: asHubName(hub), instanceId: asInstanceId(instanceId) }));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#close();
  }
}

class Facade extends ReadFacade implements Store {
  readonly epoch: number;
  readonly watch?: TurnWatch;
  readonly sharing?: Sharing;
  readonly #call: Call<Core>;
  readonly #commit: NonNullable<OpenCore["commit"]>;

  constructor({ epoch, call, close, watch, commit, sharing }: OpenCore) {
    super(call, close);
    this.epoch = epoch;
    this.#call = call;
    this.#commit = commit ?? ((batch) => call("commit", batch));
    if (watch !== undefined) this.watch = watch;
    if (sharing !== undefined) this.sharing = sharing;
  }

  async commit(batch: Batch): Promise<readonly PartAnswer[]> {
    return await this.#commit(encodeBatch(batch));
  }

  async load(ref: number): Promise<StoredInstance | undefined> {
    const stored = await this.#call("load", ref);
    return stored === null ? undefined : decodeStored(stored);
  }

  awake(after: number, limit: number): Promise<readonly number[]> {
    return this.#call("awake", after, limit);
  }

  async activities(after: number, limit: number): Promise<readonly ActivityRow[]> {
    return (await this.#call("activities", after, limit)).map(decodeActivity);
  }

  async dueTimers(until: number, limit: number): Promise<readonly DueTimer[]> {
    const timers = await this.#call("dueTimers", until, limit);
    return timers.map((timer) => ({
      ...timer,
      hub: asHubName(timer.hub),
      instanceId: asInstanceId(timer.instanceId),
      executionId: asExecutionId(timer.executionId),
    }));
  }

  async nextDue(): Promise<number | undefined> {
    return (await this.#call("nextDue")) ?? undefined;
  }
}

export function storeOver(core: OpenCore): Store {
  return new Facade(core);
}

export function readStoreOver(call: Call<ReadCore>, close: () => Promise<void>): ReadStore {
  return new ReadFacade(call, close);
}
