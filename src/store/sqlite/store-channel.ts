// Calls to the store's thread and their answers, matched by number. The thread's queue is bounded: callers beyond the bound
// wait here, in order, and are sent as answers come. When the thread is gone, every call that waits or comes is refused.

import { type ErrorCode, SignalboxError } from "../../model/errors.ts";
import type { Call, Core } from "../core.ts";
import { packBatch, unpackAnswers } from "../encoding/packed-batch.ts";
import type { EncodedBatch } from "../encoding/parts.ts";
import type { PartAnswer } from "../store.ts";

export type Request = readonly [call: number, name: string, parameters: readonly unknown[]];
export type Reply =
  | readonly [call: number, answer: unknown]
  | readonly [call: number, answer: null, code: ErrorCode, message: string, stack: string | undefined];

/** What the channel needs of a MessagePort. */
export interface Mailbox {
  postMessage(request: Request): void;
  /** Whether this process may end although it waits for nothing else. */
  ref(): void;
  unref(): void;
}

interface Waiter {
  readonly resolve: (answer: never) => void;
  readonly reject: (error: Error) => void;
}

/** Calls in the thread's queue; more than the engine ever has under way, and few enough to answer a shutdown soon. */
export const MAX_CALLS_UNDER_WAY = 64;

export class StoreChannel {
  readonly #mailbox: Mailbox;
  readonly #maxUnderWay: number;
  readonly #waiters = new Map<number, Waiter>();
  readonly #held: Request[] = [];
  #lastCall = 0;
  #underWay = 0;
  #failure: SignalboxError | undefined;

  constructor(mailbox: Mailbox, maxUnderWay: number = MAX_CALLS_UNDER_WAY) {
    this.#mailbox = mailbox;
    this.#maxUnderWay = maxUnderWay;
  }

  readonly call: Call<Core> = (name, ...parameters) => this.#send(name, parameters);

  async commit(batch: EncodedBatch): Promise<readonly PartAnswer[]> {
    return unpackAnswers(await this.#send("commitPacked", packBatch(batch)));
  }

  /** Closes the store on its thread, behind all calls before. */
  close(): Promise<void> {
    const closed = this.#send<void>("close", []);
    this.#failure ??= new SignalboxError("SHUT_DOWN", "The store is closed.");
    return closed;
  }

  #send<Answer>(name: string, parameters: readonly unknown[]): Promise<Answer> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    return new Promise((resolve, reject) => {
      const call = ++this.#lastCall;
      this.#waiters.set(call, { resolve, reject });
      if (this.#waiters.size === 1) this.#mailbox.ref();
      if (this.#underWay < this.#maxUnderWay) this.#post([call, name, parameters]);
      else this.#held.push([call, name, parameters]);
    });
  }

  receive(reply: Reply): void {
    const [call, answer, code, message, stack] = reply;
    const waiter = this.#waiters.get(call);
    if (waiter === undefined) return;
    this.#waiters.delete(call);
    this.#underWay--;
    const next = this.#held.shift();
    if (next !== undefined) this.#post(next);
    if (this.#waiters.size === 0) this.#mailbox.unref();
    // Of the type that `Call` promises for this name: both sides are built from one source.
    if (code === undefined) waiter.resolve(answer as never);
    else waiter.reject(revive(code, message ?? "", stack));
  }

  /** The thread is gone: whether its last commits landed, the next opening will tell. */
  fail(error: SignalboxError): void {
    this.#failure ??= error;
    this.#held.length = 0;
    const waiters = [...this.#waiters.values()];
    this.#waiters.clear();
    for (const waiter of waiters) waiter.reject(error);
  }

  #post(request: Request): void {
    this.#underWay++;
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
    this.#mailbox.postMessage(request);
  }
}

function revive(code: ErrorCode, message: string, stack: string | undefined): SignalboxError {
  const error = new SignalboxError(code, message);
  if (stack !== undefined) error.stack = stack;
  return error;
}
