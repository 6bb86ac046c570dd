// A worker out of process: it outlives the engine's processes, runs turns as the real one does, and answers when and how the
// weather will have it: late, twice, never, with nonsense, to a process that did not ask.

import { isEchoed } from "../../src/engine/echo.ts";
import { Definitions } from "../../src/loops/definitions.ts";
import { isSignalboxError } from "../../src/model/errors.ts";
import type { ActivityItem, Completion, EntityItem, TurnItem, TurnResult, WorkItem } from "../../src/model/work-item.ts";
import { TurnRunner } from "../../src/remote/worker/turn-runner.ts";
import { WarmInstances } from "../../src/remote/worker/warm-instances.ts";
import type { AnyEntity } from "../../src/runtime/entity.ts";
import { runEntityBatch } from "../../src/runtime/run-entity-batch.ts";
import { type Deliveries, outcomeOf } from "./activities.ts";
import type { CommitChecks } from "./commit-checks.ts";
import { type ActivityInput, programOrchestrator } from "./interpreter.ts";
import { activityName } from "./ledger.ts";
import type { Machine } from "./machine.ts";
import { refOf, type SentItems } from "./sent-items.ts";
import { simulatedEntities } from "./sim-entity.ts";
import { SimStream, type StreamProfile } from "./sim-stream.ts";
import type { WorkerWeather } from "./weather.ts";
import type { World } from "./world.ts";

const MAX_PAYLOAD = 16 * 1024 * 1024;
/** After which somebody notices that a worker does not answer. */
const PATIENCE_MS = 120_000;
/** Longer than the engine waits for an answer. */
const LATE_MS = 60_000;

export interface WorkerOptions {
  readonly world: World;
  readonly machine: Machine;
  readonly sent: SentItems;
  readonly checks: CommitChecks;
  readonly deliveries: Deliveries;
  readonly weather: () => WorkerWeather;
}

interface Answered {
  readonly item: WorkItem;
  readonly completion: Completion;
}

export class Worker {
  readonly name: string;
  /**
   * It has something that it will never answer, or answered so late that another stream had it too: nobody can tell which of
   * the two has answered, and it may be taken to be silent still.
   */
  isSilent = false;
  readonly #options: WorkerOptions;
  readonly #profile: StreamProfile;
  readonly #warm = new WarmInstances({ maxWarmInstances: 8, maxWarmBytes: MAX_PAYLOAD });
  readonly #turns: TurnRunner;
  readonly #entities: ReadonlyMap<string, AnyEntity>;
  readonly #takenAt = new WeakMap<WorkItem, number>();
  readonly #old: Answered[] = [];
  #stream: SimStream | undefined;
  #streams = 0;

  constructor(name: string, profile: StreamProfile, options: WorkerOptions) {
    this.name = name;
    this.#profile = profile;
    this.#options = options;
    this.#entities = new Map(simulatedEntities("elsewhere").map((entity) => [entity.name, entity]));
    this.#turns = new TurnRunner({
      definitions: new Definitions([programOrchestrator("elsewhere", "new")]),
      warm: this.#warm,
      hop: (callback) => void options.world.after(0, callback),
      maxPayloadLength: MAX_PAYLOAD,
      fetchHistory: () => Promise.reject(new Error("every history comes with its turn")),
    });
  }

  get stream(): SimStream | undefined {
    return this.#stream;
  }

  /** A new stream, whether or not the old one has ended. */
  connect(): void {
    const { machine, world } = this.#options;
    if (this.#stream !== undefined || machine.running === undefined) return;
    const stream = new SimStream(`${this.name}.${++this.#streams}`, this.#profile, (item) => this.#take(stream, item));
    this.#stream = stream;
    world.trace(`stream ${stream.name} opens`);
    machine.running.hubs.workers.opened(stream);
  }

  /** `connectionLives`: the worker drains what it has, and its connection ends some time after that. */
  cut(connectionLives: boolean): void {
    const { machine, world, sent } = this.#options;
    const { running } = machine;
    const stream = this.#stream;
    if (stream === undefined || running === undefined) return;
    this.#stream = undefined;
    stream.isOpen = false;
    world.trace(`stream ${stream.name} ends${connectionLives ? " and drains" : ""}`);
    running.hubs.workers.closed(stream, connectionLives);
    if (!connectionLives) return sent.cut(stream, [...stream.held]);
    world.after(world.random.int("drains", 0, 40_000), () => {
      if (running.isAlive) running.hubs.workers.disconnected(stream.connection);
      if (running.isAlive) sent.cut(stream, [...stream.held]);
    });
  }

  /** True if there was something that it would never have answered. */
  restartIfSilent(): boolean {
    const { world } = this.#options;
    if (!this.isSilent) return false;
    world.trace(`worker ${this.name} is started again`);
    this.isSilent = false;
    this.cut(false);
    world.after(world.random.int("connects after", 0, 100), () => this.connect());
    return true;
  }

  /** The engine's process is gone. */
  abandoned(): void {
    if (this.#stream !== undefined) this.#stream.isOpen = false;
    this.#stream = undefined;
  }

  #take(stream: SimStream, item: WorkItem): void {
    const { world, sent, checks, weather } = this.#options;
    const { random } = world;
    const { silence, lateAnswer, nonsense, givesBack, forgets } = weather();
    world.trace(
      `item ${stream.name} ${item.sort} ${item.instanceId}${item.sort === "orchestration" && item.history === undefined ? " delta" : ""}`,
    );
    stream.held.add(item);
    this.#takenAt.set(item, world.now);
    sent.sent(stream, item);
    const ref = refOf(item);
    if (random.chance("is silent", silence) && isPatient(item)) {
      checks.atFault.add(ref);
      this.isSilent = true;
      world.after(PATIENCE_MS, () => this.restartIfSilent());
      return;
    }
    if (random.chance("forgets", forgets)) this.#warm.clear();
    const isLate = isPatient(item) && random.chance("answers late", lateAnswer);
    const delay = isLate ? random.int("late by", LATE_MS, 3 * LATE_MS) : random.int("worker takes", 0, 60);
    if (isLate) checks.atFault.add(ref);
    if (isLate) this.isSilent = true;
    if (random.chance("gives back", givesBack)) {
      checks.atFault.add(ref);
      world.after(delay, () => this.#giveBack(stream, item));
    } else if (random.chance("nonsense", nonsense)) {
      checks.atFault.add(ref);
      if (item.sort === "activity") this.#mistake(stream, item, delay);
      else world.after(delay, () => this.#answer(stream, item, nonsenseFor(item.sort)));
    } else if (item.sort === "activity") this.#run(stream, item, delay);
    else world.after(delay, () => void this.#work(stream, item));
  }

  /** Its first answer is of another sort, or to no item at all: that leaves it where it is. */
  #mistake(stream: SimStream, item: ActivityItem, delay: number): void {
    const { world, machine } = this.#options;
    const { running } = machine;
    if (running === undefined) return;
    const token = world.random.pick("mistaken token", [item.token, "nonsense", ""]);
    this.#settle(running.hubs.workers.complete(token, nonsenseFor("orchestration")), () =>
      world.violate("E5", `an answer to ${token} is taken`),
    );
    this.#run(stream, item, delay);
  }

  async #work(stream: SimStream, item: TurnItem | EntityItem): Promise<void> {
    if (item.sort === "entity") await this.#serve(stream, item);
    else await this.#turn(stream, item);
  }

  async #turn(stream: SimStream, item: TurnItem): Promise<void> {
    const turn = { ...item, historyIsStreamed: false };
    const delivery = { turn, bytes: 0, attemptsActivities: false, keepsWarm: () => stream.keepsWarm && stream.isOpen };
    const outcome = await this.#turns.run(delivery);
    if (outcome.kind === "abandoned") {
      return this.#options.world.violate("worker", `a worker cannot make a turn of "${item.instanceId}": ${outcome.reason}`);
    }
    this.#answer(stream, item, { sort: "orchestration", result: outcome.result });
  }

  #run(stream: SimStream, item: ActivityItem, delay: number): void {
    const { world, deliveries } = this.#options;
    const { executionId, activity, attempt } = item;
    const asked = JSON.parse(activity.input ?? "") as ActivityInput;
    const { delivery, finding } = deliveries.beginElsewhere(`${refOf(item)} ${activityName(executionId, activity.actionId)}`, attempt);
    world.check("E5", finding);
    // Nobody can tell it to stop: what hangs has a limit, and is answered when nobody waits for it any more.
    const failure = { type: "ActivityTimeout", message: "it took too long" };
    const isHanging = asked.behaviour.kind === "hangs";
    world.after(isHanging ? 10_000 : delay, () => {
      const outcome = isHanging
        ? ({ kind: "failed", failure } as const)
        : outcomeOf(asked, attempt, executionId, delivery, deliveries.mended.has(asked.node));
      this.#answer(stream, item, { sort: "activity", outcome });
    });
  }

  async #serve(stream: SimStream, item: EntityItem): Promise<void> {
    const { world, weather } = this.#options;
    const count = item.operations.length;
    const some = world.random.chance("fewer results", weather().fewerResults) ? world.random.int("results", 1, count) : count;
    const entity = this.#entities.get(item.instanceId.split("@")[1] ?? "");
    if (entity === undefined) return world.violate("worker", `an entity that no worker serves: ${item.instanceId}`);
    const result = await runEntityBatch(entity, item.state, item.operations.slice(0, some), MAX_PAYLOAD);
    this.#answer(stream, item, { sort: "entity", result });
  }

  #answer(stream: SimStream, item: WorkItem, completion: Completion): void {
    const { world, weather } = this.#options;
    const { random } = world;
    const { answersTwice, repeatsOld } = weather();
    stream.held.delete(item);
    this.#tell(item, completion, stream);
    if (random.chance("answers twice", answersTwice)) {
      world.after(random.int("again after", 0, 300), () => this.#tell(item, completion));
    }
    const old =
      this.#old.length === 0 || !random.chance("repeats an old answer", repeatsOld)
        ? undefined
        : this.#old[random.int("old", 0, this.#old.length - 1)];
    if (old !== undefined) this.#tell(old.item, old.completion);
    this.#old.push({ item, completion });
  }

  /** `stream`: the one that the item came by, for the first answer to it. */
  #tell(item: WorkItem, completion: Completion, stream?: SimStream): void {
    const { world, machine, sent, deliveries } = this.#options;
    const { running } = machine;
    // Nobody is there: the server hears of it when there is one again.
    if (running === undefined) return void world.after(200, () => this.#tell(item, completion));
    world.trace(`worker ${this.name} answers ${item.sort} ${item.instanceId}`);
    const believed = sent.returned(item.token);
    if (item.sort === "orchestration" && completion.sort === "orchestration" && isTurn(completion.result) && sent.isLatest(item)) {
      const { executionId, historyLength, newEvents } = item;
      const length = historyLength + newEvents.length + completion.result.actions.filter(isEchoed).length;
      believed?.holds.set(refOf(item), { executionId, historyLength: length });
    }
    // One that comes late, or when its stream is gone, may find that the item is to go out again.
    const counts = sent.answered(item, completion) && stream?.isOpen === true && world.now < (this.#takenAt.get(item) ?? 0) + LATE_MS;
    if (completion.sort === "activity" && completion.outcome.kind === "completed") {
      const { delivery } = JSON.parse(completion.outcome.result ?? "{}") as { readonly delivery: number };
      deliveries.completed(delivery, running.number);
    }
    this.#settle(running.hubs.workers.complete(item.token, completion), () => {
      if (counts && running.isAlive) sent.accepted(item, completion);
    });
  }

  #giveBack(stream: SimStream, item: WorkItem): void {
    const { world, machine, sent } = this.#options;
    stream.held.delete(item);
    const { running } = machine;
    if (running === undefined) return;
    world.trace(`worker ${this.name} gives back ${item.sort} ${item.instanceId}`);
    sent.returned(item.token);
    this.#settle(running.hubs.workers.abandon(item.token), () => undefined);
  }

  #settle(told: Promise<void>, accepted: () => void): void {
    told.then(accepted, (error: unknown) => {
      const code = isSignalboxError(error) ? error.code : String(error);
      this.#options.world.trace(`worker ${this.name} is refused: ${code}`);
      if (!REFUSALS.has(code)) this.#options.world.violate("E13", `a worker's answer is refused: ${String(error)}`);
    });
  }
}

const REFUSALS: ReadonlySet<string> = new Set(["INVALID_ARGUMENT", "SHUT_DOWN", "STORE_IO", "STORE_REFUSED"]);

/** One with a limit on its time would come to another end without its answer. */
function isPatient(item: WorkItem): boolean {
  if (item.sort !== "activity") return true;
  const { startToCloseMs, scheduleToCloseMs, retry } = item.activity.options ?? {};
  return scheduleToCloseMs === undefined && (startToCloseMs === undefined || (retry?.maxAttempts ?? 1) > 50);
}

const isTurn = ({ actions, requiresHistory }: TurnResult): boolean => requiresHistory !== true && actions.every(({ id }) => id >= 0);

function nonsenseFor(sort: "orchestration" | "entity"): Completion {
  if (sort === "entity") return { sort, result: { results: [], actions: [], state: "nonsense" } };
  return { sort, result: { actions: [{ kind: "ScheduleTask", id: -1, name: "nonsense" }] } };
}
