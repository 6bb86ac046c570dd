// The synchronous face of a store: encoded batches and rows in, encoded answers out. A memory store and an inline SQLite
// store call it directly, the threaded one by messages; FacadeStore turns any of the three into the port.

import type { EncodedBatch } from "./encoding/parts.ts";
import type { EncodedActivityRow, EncodedInstance, EncodedSlice, EncodedStored } from "./encoding/rows.ts";
import type { InstanceFilter, Page, PartAnswer } from "./store.ts";

export interface EncodedPage {
  readonly rows: readonly EncodedInstance[];
  readonly next: string | null;
}
export interface EncodedKey {
  readonly hub: string;
  readonly instanceId: string;
}
export interface EncodedTimer extends EncodedKey {
  readonly ref: number;
  readonly executionId: string;
  readonly timerId: number;
  readonly fireAt: number;
}

export interface ReadCore {
  instance(hub: string, instanceId: string, withPayloads: boolean): EncodedInstance | null;
  instances(filter: InstanceFilter, page: Page): EncodedPage;
  history(hub: string, instanceId: string, from: number): EncodedSlice | null;
  hubs(after: string | null, limit: number): readonly string[];
  children(hub: string, instanceId: string): readonly EncodedKey[];
}

export interface Core extends ReadCore {
  readonly epoch: number;
  commit(batch: EncodedBatch): readonly PartAnswer[];
  load(ref: number): EncodedStored | null;
  awake(after: number, limit: number): readonly number[];
  activities(after: number, limit: number): readonly EncodedActivityRow[];
  dueTimers(until: number, limit: number): readonly EncodedTimer[];
  nextDue(): number | null;
}

/** Pages and slices end before they hold more than this, in UTF-16 units, unless one row alone does. */
export const PAGE_LENGTH = 4 * 1024 * 1024;

type Callable = (...parameters: never[]) => unknown;
/** The methods of a core, as functions by name. */
type Methods<Target> = { [Name in keyof Target as Target[Name] extends Callable ? Name : never]: Extract<Target[Name], Callable> };

/** Runs a method of a core, somewhere, in the order of the calls. */
export type Call<Target> = <Name extends keyof Methods<Target>>(
  name: Name,
  ...parameters: Parameters<Methods<Target>[Name]>
) => Promise<ReturnType<Methods<Target>[Name]>>;

/** Calls a core on this thread; `guard` runs the call and gives its errors their code. */
export function callDirectly<Target>(core: Target, guard: <Answer>(call: () => Answer) => Answer = (call) => call()): Call<Target> {
  return async (name, ...parameters) =>
    guard(() => {
      // `Call` admits only names of methods, with their parameters: what the compiler loses here, it has checked at the call.
      const method = core[name as keyof Target] as (...parameters: unknown[]) => never;
      return method.apply(core, parameters);
    });
}
