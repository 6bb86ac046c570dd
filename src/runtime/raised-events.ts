import type { EventRaised } from "../model/events.ts";
import type { Call } from "./turn-face.ts";

/** Events that were raised before anybody waited for them, and calls that wait for one. Names compare without case. */
export class RaisedEvents {
  #buffered: EventRaised[] = [];
  readonly #waiters = new Map<string, Call[]>();
  #waiting = 0;

  /** Calls that wait. */
  get waiting(): number {
    return this.#waiting;
  }

  get buffered(): readonly EventRaised[] {
    return this.#buffered;
  }

  /** The earliest of that name, or undefined: then the call waits. */
  takeOrWait(name: string, call: Call): EventRaised | undefined {
    const key = name.toLowerCase();
    const index = this.#buffered.findIndex((event) => event.name.toLowerCase() === key);
    const [event] = index < 0 ? [] : this.#buffered.splice(index, 1);
    if (event !== undefined) return event;
    const waiters = this.#waiters.get(key);
    if (waiters === undefined) this.#waiters.set(key, [call]);
    else waiters.push(call);
    this.#waiting += 1;
    return undefined;
  }

  isAwaited({ name }: EventRaised): boolean {
    return this.#waiters.has(name.toLowerCase());
  }

  keep(event: EventRaised): void {
    this.#buffered.push(event);
  }

  /** The call that has waited longest for such an event. */
  takeWaiter({ name }: EventRaised): Call | undefined {
    const key = name.toLowerCase();
    const waiters = this.#waiters.get(key);
    const call = waiters?.shift();
    if (waiters?.length === 0) this.#waiters.delete(key);
    if (call !== undefined) this.#waiting -= 1;
    return call;
  }

  forgetBuffered(): void {
    this.#buffered = [];
  }

  clear(): void {
    this.#waiters.clear();
    this.#buffered = [];
  }
}
