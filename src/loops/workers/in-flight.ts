// Items that are with workers. Each is answered, or comes back: with the death of its stream at once, with the end of a
// stream after its drain time, and an unanswered one goes to another stream while the silent one still has it (E10).

import type { InstanceRef } from "../../model/parts.ts";
import { Deadlines } from "../deadlines.ts";
import type { Clock } from "../environment.ts";
import type { Delivery, OpenStream } from "./open-stream.ts";
import { type CompletionToken, WORK_SORTS, type WorkItem, type WorkSort } from "./work-item.ts";
import type { WorkerLimits } from "./worker-limits.ts";

export interface InFlightPorts {
  readonly clock: Clock;
  readonly limits: WorkerLimits;
  /** The place on the stream is free again. */
  readonly release: (open: OpenStream, sort: WorkSort) => void;
  /** The stream has become silent, or has found its voice again. */
  readonly changed: (open: OpenStream) => void;
  /** Nobody answers it: it has to go out again. */
  readonly lost: (delivery: Delivery, why: "stream" | "silence") => void;
}

export class InFlight {
  readonly #ports: InFlightPorts;
  /** A batch that went to another stream is with two under one token. */
  readonly #byToken = new Map<CompletionToken, Delivery[]>();
  /** Those whose answer is awaited, in the order in which they were sent: one limit for all of a sort. */
  readonly #awaited = { orchestration: new Set<Delivery>(), entity: new Set<Delivery>() };
  readonly #draining = new Map<object, Set<OpenStream>>();
  readonly #drains = new Deadlines<{ readonly open: OpenStream; readonly sort: WorkSort }>();
  #count = 0;

  constructor(ports: InFlightPorts) {
    this.#ports = ports;
  }

  get count(): number {
    return this.#count;
  }

  /** The earliest deadline, on the monotonic clock. */
  get nextDue(): number | undefined {
    const { answerMs } = this.#ports.limits;
    const [turn] = this.#awaited.orchestration;
    const [batch] = this.#awaited.entity;
    const dues = [turn && turn.sentAt + answerMs.orchestration, batch && batch.sentAt + answerMs.entity, this.#drains.next];
    const known = dues.filter((due) => due !== undefined);
    return known.length === 0 ? undefined : Math.min(...known);
  }

  /** With a stream from which an answer is still expected. */
  isOut(token: CompletionToken): boolean {
    return this.#byToken.get(token)?.some(({ isOverdue }) => !isOverdue) ?? false;
  }

  /** The place on the stream has been taken for it. */
  send(open: OpenStream, ref: InstanceRef, item: WorkItem): void {
    const { sort, token } = item;
    const delivery: Delivery = { sort, token, ref, to: open, sentAt: this.#ports.clock.monotonic(), isOverdue: false };
    const others = this.#byToken.get(token);
    if (others === undefined) this.#byToken.set(token, [delivery]);
    else others.push(delivery);
    open.deliveries.add(delivery);
    this.#count += 1;
    if (sort !== "activity") this.#awaited[sort].add(delivery);
    open.stream.send(item);
  }

  /** An answer has come. Of two streams with the same item it is that of its connection; where none is known, the later one. */
  answered(token: CompletionToken, from: object | undefined): OpenStream | undefined {
    const all = this.#byToken.get(token);
    const delivery = all?.findLast(({ to }) => to.stream.connection === from) ?? all?.at(-1);
    if (delivery === undefined) return undefined;
    this.#remove(delivery);
    const { to } = delivery;
    if (to.state === "draining" && to.deliveries.size === 0) this.#forget(to);
    return to;
  }

  /** E10: the connection is gone, and with it everybody who could answer. */
  gone(open: OpenStream): void {
    open.state = "gone";
    this.#forget(open);
    for (const delivery of open.deliveries) this.#lose(delivery);
  }

  /** E10: the worker may still complete what it has. */
  ended(open: OpenStream): void {
    if (open.deliveries.size === 0) return this.gone(open);
    open.state = "draining";
    const { connection } = open.stream;
    const streams = this.#draining.get(connection) ?? new Set();
    this.#draining.set(connection, streams.add(open));
    const now = this.#ports.clock.monotonic();
    for (const sort of WORK_SORTS) this.#drains.add(now + this.#ports.limits.drainMs[sort], { open, sort });
  }

  disconnected(connection: object): void {
    for (const open of this.#draining.get(connection) ?? []) this.gone(open);
  }

  fire(): void {
    const { clock, limits, changed, lost } = this.#ports;
    const now = clock.monotonic();
    for (const sort of ["orchestration", "entity"] as const) {
      for (const delivery of this.#awaited[sort]) {
        if (delivery.sentAt + limits.answerMs[sort] > now) break;
        this.#awaited[sort].delete(delivery);
        delivery.isOverdue = true;
        delivery.to.overdue += 1;
        changed(delivery.to);
        lost(delivery, "silence");
      }
    }
    for (let due = this.#drains.take(now); due !== undefined; due = this.#drains.take(now)) {
      const { open, sort } = due;
      if (open.state !== "draining") continue;
      for (const delivery of open.deliveries) if (delivery.sort === sort) this.#lose(delivery);
      if (open.deliveries.size === 0) this.gone(open);
    }
  }

  /** E14: what is still out at the end of a drain is given up; its answers come to the next process. */
  abandonAll(): void {
    for (const all of this.#byToken.values()) for (const { to } of all) to.deliveries.clear();
    this.#byToken.clear();
    this.#awaited.orchestration.clear();
    this.#awaited.entity.clear();
    this.#count = 0;
  }

  #lose(delivery: Delivery): void {
    const { isOverdue } = delivery;
    this.#remove(delivery);
    // Somebody else has an overdue one already.
    if (!isOverdue) this.#ports.lost(delivery, "stream");
  }

  #remove(delivery: Delivery): void {
    const { token, to, sort } = delivery;
    const all = this.#byToken.get(token);
    if (all?.length === 1) this.#byToken.delete(token);
    else all?.splice(all.indexOf(delivery), 1);
    if (!to.deliveries.delete(delivery)) return;
    this.#count -= 1;
    if (sort !== "activity") this.#awaited[sort].delete(delivery);
    this.#ports.release(to, sort);
    if (!delivery.isOverdue) return;
    to.overdue -= 1;
    this.#ports.changed(to);
  }

  #forget(open: OpenStream): void {
    const { connection } = open.stream;
    const streams = this.#draining.get(connection);
    streams?.delete(open);
    if (streams?.size === 0) this.#draining.delete(connection);
  }
}
