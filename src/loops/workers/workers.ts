// Everything about workers out of process, behind one face to the loop: what they say comes in here, what they get goes out
// from here, and every deadline about them is among the loop's.

import type { HubName } from "../../model/ids.ts";
import type { InboxRow, InstanceRef } from "../../model/parts.ts";
import type { Capability } from "../../store/store.ts";
import type { Clock } from "../environment.ts";
import { ActivityDeliveries, type ActivityDeliveriesPorts } from "./activity-deliveries.ts";
import { BatchDesk, type BatchDeskPorts } from "./batch-desk.ts";
import { InFlight } from "./in-flight.ts";
import { Markets } from "./markets.ts";
import { type Delivery, type OpenStream, openStream } from "./open-stream.ts";
import type { Passable } from "./pass-on.ts";
import { RemoteActivities } from "./remote-activities.ts";
import { RemoteEntities } from "./remote-entities.ts";
import { RemoteTurns, type RemoteTurnsPorts } from "./remote-turns.ts";
import { Retries } from "./retries.ts";
import type { WorkerEvent } from "./worker-events.ts";
import type { WorkerHub, WorkerStream } from "./worker-hub.ts";

export interface WorkersPorts
  extends Omit<BatchDeskPorts, "inFlight" | "retries">,
    Omit<RemoteTurnsPorts, "desk" | "limits">,
    ActivityDeliveriesPorts {
  readonly clock: Clock;
  /** Streams have come or gone. */
  readonly streamsChanged: () => void;
  /** Hands what a worker said to the node that dispatched the item. Absent: there are no others. */
  readonly passOn?: (said: Passable) => void;
}

export class Workers {
  readonly turns: RemoteTurns;
  readonly activities: RemoteActivities;
  readonly entities: RemoteEntities;
  readonly #ports: WorkersPorts;
  readonly #streams = new Map<WorkerStream, OpenStream>();
  readonly #markets: Markets;
  readonly #inFlight: InFlight;
  readonly #retries: Retries;
  readonly #activityDeliveries: ActivityDeliveries;
  /** Turns and operations of entities, both in batches. */
  readonly #desks: { readonly orchestration: BatchDesk; readonly entity: BatchDesk };

  constructor(ports: WorkersPorts) {
    const { limits, engineLimits, clock, epoch } = ports;
    this.#ports = ports;
    this.#markets = new Markets(limits);
    this.#retries = new Retries(clock, limits);
    this.#inFlight = new InFlight({
      clock,
      limits,
      release: (open, sort) => this.#markets.release(open, sort),
      changed: (open) => this.#markets.changed(open),
      lost: (delivery, why) => this.#lost(delivery, why),
    });
    this.#activityDeliveries = new ActivityDeliveries(ports);
    const [inFlight, retries] = [this.#inFlight, this.#retries];
    this.#desks = {
      orchestration: new BatchDesk("orchestration", { ...ports, inFlight, retries }, (hub) => this.#markets.of(hub, "orchestration")),
      entity: new BatchDesk("entity", { ...ports, inFlight, retries }, (hub) => this.#markets.of(hub, "entity")),
    };
    this.turns = new RemoteTurns({ ...ports, limits: engineLimits, desk: this.#desks.orchestration });
    const { commits, turnPorts: entityPorts } = ports;
    this.entities = new RemoteEntities({ commits, entityPorts, limits: engineLimits, desk: this.#desks.entity });
    this.activities = new RemoteActivities({
      epoch,
      inFlight,
      market: (hub) => this.#markets.of(hub, "activity"),
      stirred: () => this.#markets.takeStirred("activity"),
      maxQueuedPerKind: limits.maxQueuedPerKind,
      streams: () => this.#streams.values(),
      lost: (task) => ports.dispatch().lost(task),
    });
  }

  /** Nothing is with a worker: a drain is over. */
  get isIdle(): boolean {
    return this.#inFlight.count === 0;
  }

  /** Something has found room since the places were last filled. */
  get isStirred(): boolean {
    return this.#markets.isStirred && !this.#ports.isStopped();
  }

  /** The earliest deadline, on the monotonic clock. */
  get nextDue(): number | undefined {
    const [flight, retry] = [this.#inFlight.nextDue, this.#retries.nextDue];
    return flight === undefined || retry === undefined ? (flight ?? retry) : Math.min(flight, retry);
  }

  stats(): ReturnType<WorkerHub["stats"]> {
    const count = (of: (sort: "orchestration" | "activity" | "entity") => number) => ({
      orchestration: of("orchestration"),
      activity: of("activity"),
      entity: of("entity"),
    });
    return {
      streams: this.#streams.size,
      inFlight: count((sort) => this.#markets.inFlight(sort)),
      queued: count((sort) => this.#markets.queued(sort)),
    };
  }

  heard(said: WorkerEvent): void {
    switch (said.kind) {
      case "StreamOpened": {
        const open = openStream(said.stream);
        this.#streams.set(said.stream, open);
        this.#markets.opened(open);
        return this.#ports.streamsChanged();
      }
      case "StreamClosed":
        return this.#closed(said.stream, said.connectionLives);
      case "Disconnected":
        return this.#inFlight.disconnected(said.connection);
      case "ItemAnswered":
      case "ItemAbandoned":
        if (said.subject.epoch !== this.#ports.epoch && this.#ports.passOn !== undefined) return this.#ports.passOn(said);
        return this.taken(said);
      default:
        said satisfies never;
    }
  }

  /** Of an item of this node, or of one that is no more. */
  taken(said: Passable): void {
    if (said.kind === "ItemAnswered") this.#answered(said);
    else this.#abandoned(said);
  }

  /** The instances that workers of this node can run. */
  capabilities(): readonly Capability[] {
    return [...this.#streams.keys()].flatMap(({ hub, filters, credits }) => [
      ...namesIn(hub, credits.orchestration > 0 ? filters?.orchestrations : [], false),
      ...namesIn(hub, credits.entity > 0 ? filters?.entities : [], true),
    ]);
  }

  /** Instances that wait for workers of which this node has none. */
  unserved(): readonly InstanceRef[] {
    return [...this.#desks.orchestration.unserved(), ...this.#desks.entity.unserved()];
  }

  /** Fills the places that have become free. */
  fill(): void {
    if (this.#ports.isStopped()) return;
    for (const sort of ["orchestration", "entity"] as const) {
      for (const market of this.#markets.takeStirred(sort)) this.#desks[sort].fill(market);
    }
  }

  fire(): void {
    this.#inFlight.fire();
    for (const ref of this.#retries.take()) this.#ports.instances.revive(ref);
  }

  /** What has arrived for one that waits for a worker can wait with it in the store; what needs no worker cannot. */
  mayStayCold(ref: InstanceRef, { message: { kind } }: InboxRow): boolean {
    if (this.#desks.orchestration.isWaiting(ref)) {
      return kind !== "ExecutionTerminated" && kind !== "ExecutionSuspended" && kind !== "ExecutionResumed";
    }
    return this.#desks.entity.isWaiting(ref) && (kind === "EntityOperationCalled" || kind === "EntityOperationSignaled");
  }

  /** What it was given a place for it does not want, or it has left memory: others may have the place. */
  giveBack(ref: InstanceRef): void {
    this.#desks.orchestration.giveBack(ref);
    this.#desks.entity.giveBack(ref);
  }

  /** It has ended: nobody will try it again. */
  over(ref: InstanceRef): void {
    this.#retries.over(ref);
  }

  abandonAll(): void {
    this.#inFlight.abandonAll();
  }

  #closed(stream: WorkerStream, connectionLives: boolean): void {
    const open = this.#streams.get(stream);
    if (open === undefined) return;
    this.#streams.delete(stream);
    // No more items for it, before those that it has look for another.
    open.state = "gone";
    this.#markets.closed(open);
    if (connectionLives) this.#inFlight.ended(open);
    else this.#inFlight.gone(open);
    this.#ports.streamsChanged();
  }

  #answered({ token, subject, completion, answer }: Extract<WorkerEvent, { kind: "ItemAnswered" }>): void {
    if (subject.sort === "activity" && completion.sort === "activity") {
      this.#inFlight.answered(token, answer.from);
      return this.#activityDeliveries.answered(subject, completion.outcome, answer);
    }
    // E5: batches are numbered by the process that made them.
    if (subject.epoch !== this.#ports.epoch) return answer.accept();
    if (completion.sort === "orchestration") return this.turns.answered(subject.ref, token, completion.result, answer);
    if (completion.sort === "entity") return this.entities.answered(subject.ref, token, completion.result, answer);
    answer.accept();
  }

  #abandoned({ token, subject, answer, reason }: Extract<WorkerEvent, { kind: "ItemAbandoned" }>): void {
    answer.accept();
    if (subject.epoch !== this.#ports.epoch) return;
    if (subject.sort !== "activity") return this.#desks[subject.sort].abandoned(subject.ref, token, answer, reason);
    if (this.#inFlight.answered(token, answer.from) !== undefined) this.#activityDeliveries.abandoned(subject, reason);
  }

  #lost(delivery: Delivery, why: "stream" | "silence"): void {
    if (delivery.sort !== "activity") return this.#desks[delivery.sort].lost(delivery, why);
    this.#activityDeliveries.lost(delivery.token);
  }
}

/** No list: everything in the hub. */
function namesIn(hub: HubName, names: readonly { readonly name: string }[] | undefined, isEntity: boolean): readonly Capability[] {
  if (names === undefined) return [{ hub, isEntity }];
  return names.map(({ name }) => ({ hub, isEntity, name: isEntity ? name.toLowerCase() : name }));
}
