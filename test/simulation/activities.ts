// Simulated activities. What one answers depends on its input and attempt alone; when, how often and whether at all is the
// weather's. The death of the process takes all that run with it.

import type { ActivityTask } from "../../src/loops/activity-task.ts";
import type { ActivityExecutor } from "../../src/loops/environment.ts";
import type { ActivityOutcome } from "../../src/model/work-item.ts";
import type { ActivityInput, ActivityResult } from "./interpreter.ts";
import { e3DispatchFollowsCommit, e5AttemptIsDurable, e5AttemptIsNew, e11LimitsHold } from "./invariants.ts";
import { activityName, type Ledger } from "./ledger.ts";
import type { Weather } from "./weather.ts";
import type { World } from "./world.ts";

const MAX_CONCURRENT: { readonly [name: string]: number } = { narrow: 1, quick: 3 };

interface Delivery {
  readonly activity: string;
  readonly life: number;
  /** The first completed report of it, among all reports. */
  reported: number | undefined;
}

/** What all processes of a simulation have run. */
export class Deliveries {
  readonly #attempts = new Map<string, number[]>();
  readonly #all: Delivery[] = [];
  #reports = 0;

  begin(activity: string, attempt: number, life: number): { readonly delivery: number; readonly finding: string | undefined } {
    const begun = this.#attempts.get(activity) ?? [];
    const finding = e5AttemptIsNew(begun, attempt);
    this.#attempts.set(activity, [...begun, attempt]);
    return { delivery: this.#all.push({ activity, life, reported: undefined }) - 1, finding };
  }

  completed(delivery: number): void {
    const entry = this.#all[delivery];
    if (entry !== undefined) entry.reported ??= ++this.#reports;
  }

  /** E5: the first completion that a process got settles the activity. */
  e5FirstCompletionSettles(delivery: number): string | undefined {
    const settled = this.#all[delivery];
    if (settled?.reported === undefined) return `delivery ${delivery} settles an activity and was never reported`;
    const { activity, life, reported } = settled;
    const earlier = this.#all.find((each) => each.activity === activity && each.life === life && (each.reported ?? reported) < reported);
    return earlier === undefined ? undefined : `a later completion of activity ${activity} settles it`;
  }
}

export class SimulatedActivities implements ActivityExecutor {
  /** Reports that will never come: only the next process can bring these activities to an end. */
  hasLost = false;
  readonly #world: World;
  readonly #ledger: Ledger;
  readonly #deliveries: Deliveries;
  readonly #weather: () => Weather;
  readonly #maxActivities: number;
  readonly #life: { readonly number: number; readonly isAlive: boolean };
  /** By name of the activity; abort and the first report end them. */
  readonly #running = new Map<ActivityTask, string>();

  constructor(
    world: World,
    ledger: Ledger,
    deliveries: Deliveries,
    weather: () => Weather,
    maxActivities: number,
    life: { readonly number: number; readonly isAlive: boolean },
  ) {
    this.#world = world;
    this.#ledger = ledger;
    this.#deliveries = deliveries;
    this.#weather = weather;
    this.#maxActivities = maxActivities;
    this.#life = life;
  }

  maxConcurrent(name: string): number {
    return MAX_CONCURRENT[name] ?? Number.POSITIVE_INFINITY;
  }

  run(task: ActivityTask, attempt: number, report: (outcome: ActivityOutcome) => void): void {
    if (!this.#life.isAlive) return;
    const { ref, executionId, actionId } = task.key;
    const { name, input } = task.activity;
    const world = this.#world;
    world.trace(`run ${task.instance.instanceId} ${actionId} attempt ${attempt}`);
    world.check("E3", e3DispatchFollowsCommit(this.#ledger, ref, executionId, actionId));
    world.check("E5", e5AttemptIsDurable(this.#ledger, ref, executionId, actionId, attempt));
    const { delivery, finding } = this.#deliveries.begin(`${ref} ${activityName(executionId, actionId)}`, attempt, this.#life.number);
    world.check("E5", finding);
    this.#running.set(task, name);
    const ofName = [...this.#running.values()].filter((other) => other === name).length;
    world.check("E11", e11LimitsHold(this.#running.size, this.#maxActivities, "in all"));
    world.check("E11", e11LimitsHold(ofName, this.maxConcurrent(name), `named ${name}`));
    const { node, behaviour } = JSON.parse(input ?? "") as ActivityInput;
    if (behaviour.kind === "hangs") return;
    const fails = behaviour.kind === "fails" || (behaviour.kind === "recovers" && attempt < behaviour.at);
    const result: ActivityResult = { value: node * 10, executionId, delivery };
    const outcome: ActivityOutcome = fails
      ? { kind: "failed", failure: { type: "Broken", message: `node ${node} fails` } }
      : { kind: "completed", result: JSON.stringify(result) };
    this.#reportSometime(task, attempt, outcome, delivery, report);
  }

  abort(task: ActivityTask, attempt: number, reason: string): void {
    if (!this.#life.isAlive) return;
    this.#running.delete(task);
    this.#world.trace(`abort ${task.instance.instanceId} ${task.key.actionId} attempt ${attempt}: ${reason}`);
  }

  #reportSometime(
    task: ActivityTask,
    attempt: number,
    outcome: ActivityOutcome,
    delivery: number,
    report: (outcome: ActivityOutcome) => void,
  ): void {
    const { random } = this.#world;
    const weather = this.#weather();
    // One with a limit on its attempts' time would come to another end by these.
    const isPatient = task.activity.options?.startToCloseMs === undefined || (task.activity.options.retry?.maxAttempts ?? 1) > 50;
    const isSlow = task.activity.name === "slow";
    const tell = (): void => {
      if (!this.#life.isAlive) return;
      this.#running.delete(task);
      this.#world.trace(`report ${task.instance.instanceId} ${task.key.actionId} attempt ${attempt} ${outcome.kind}`);
      if (outcome.kind === "completed") this.#deliveries.completed(delivery);
      report(outcome);
    };
    if (isPatient && attempt < 20 && random.chance("report is lost", weather.lostReport)) {
      this.hasLost = true;
      return;
    }
    if (random.chance("report at once", 0.1)) return tell();
    const isLate = isPatient && random.chance("report is late", weather.lateReport);
    const delay = isLate ? random.int("late by", 5_000, 60_000) : random.int("takes", 0, isSlow ? 800 : 60);
    this.#world.after(delay, tell);
    if (random.chance("report comes twice", weather.duplicateReport)) this.#world.after(delay + random.int("again after", 0, 300), tell);
  }
}
