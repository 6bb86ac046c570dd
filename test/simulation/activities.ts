// Simulated activities. What one answers depends on its input and attempt alone; when, how often and whether at all is the
// weather's. The death of the process takes all that run with it.

import type { ActivityTask } from "../../src/loops/activity-task.ts";
import type { ActivityExecutor } from "../../src/loops/environment.ts";
import type { InstanceRef } from "../../src/model/parts.ts";
import type { ActivityOutcome } from "../../src/model/work-item.ts";
import type { ActivityInput, ActivityResult } from "./interpreter.ts";
import { e3DispatchFollowsCommit, e5AttemptIsDurable, e5AttemptIsNew, e11LimitsHold } from "./invariants.ts";
import { activityName, type Ledger } from "./ledger.ts";
import type { Weather } from "./weather.ts";
import type { World } from "./world.ts";

const MAX_CONCURRENT: { readonly [name: string]: number } = { narrow: 1, quick: 3 };

interface Delivery {
  readonly activity: string;
}

/** A completion that reached a process. */
interface Completed {
  readonly activity: string;
  readonly delivery: number;
  readonly life: number;
}

/** What all processes of a simulation, and their workers, have run. */
export class Deliveries {
  readonly #attempts = new Map<string, number[]>();
  readonly #all: Delivery[] = [];
  /** In the order in which they came. */
  readonly #completed: Completed[] = [];
  readonly #rewound = new Set<string>();
  /** What was broken and works now. */
  readonly mended = new Set<number>();

  begin(activity: string, attempt: number): { readonly delivery: number; readonly finding: string | undefined } {
    const begun = this.#attempts.get(activity) ?? [];
    const finding = e5AttemptIsNew(begun, attempt);
    this.#attempts.set(activity, [...begun, attempt]);
    return { delivery: this.#all.push({ activity }) - 1, finding };
  }

  /** With a worker that may be lost with it: the same attempt may begin again elsewhere, an earlier one never. */
  beginElsewhere(activity: string, attempt: number): { readonly delivery: number; readonly finding: string | undefined } {
    const begun = this.#attempts.get(activity) ?? [];
    const finding = e5AttemptIsNew(
      begun.filter((earlier) => earlier !== attempt),
      attempt,
    );
    this.#attempts.set(activity, [...begun, attempt]);
    return { delivery: this.#all.push({ activity }) - 1, finding };
  }

  completed(delivery: number, life: number): void {
    const activity = this.#all[delivery]?.activity;
    if (activity !== undefined) this.#completed.push({ activity, delivery, life });
  }

  /** What a rewound execution asks for again begins anew, with its first attempt. */
  rewound(ref: InstanceRef, executionId: string): void {
    this.#rewound.add(`${ref} ${executionId}`);
    for (const activity of this.#attempts.keys()) {
      if (activity.startsWith(`${ref} `) && activity.endsWith(` ${executionId}`)) this.#attempts.delete(activity);
    }
  }

  wasRewound(ref: InstanceRef, executionId: string): boolean {
    return this.#rewound.has(`${ref} ${executionId}`);
  }

  /** E5: the first completion that a process got settles the activity. */
  e5FirstCompletionSettles(delivery: number): string | undefined {
    const settled = this.#completed.filter((each) => each.delivery === delivery);
    const [any] = settled;
    if (any === undefined) return `delivery ${delivery} settles an activity and was never reported`;
    const isFirst = settled.some(({ life }) => {
      const first = this.#completed.find((each) => each.activity === any.activity && each.life === life);
      return first?.delivery === delivery;
    });
    return isFirst ? undefined : `a later completion of activity ${any.activity} settles it`;
  }
}

/** What an activity comes to depends on nothing but its input, its attempt, and whether what was broken is mended. */
export function outcomeOf(
  input: ActivityInput,
  attempt: number,
  executionId: string,
  delivery: number,
  isMended: boolean,
): ActivityOutcome {
  const { node, behaviour } = input;
  const fails =
    behaviour.kind === "fails" || (behaviour.kind === "recovers" && attempt < behaviour.at) || (behaviour.kind === "broken" && !isMended);
  if (fails) return { kind: "failed", failure: { type: "Broken", message: `node ${node} fails` } };
  const result: ActivityResult = { value: node * 10, executionId, delivery };
  return { kind: "completed", result: JSON.stringify(result) };
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

  serves(name: string): boolean {
    return !name.startsWith("far");
  }

  run(task: ActivityTask, attempt: number, report: (outcome: ActivityOutcome) => void): void {
    if (!this.#life.isAlive) return;
    const { ref, executionId, actionId } = task.key;
    const { name, input } = task.activity;
    const world = this.#world;
    world.trace(`run ${task.instance.instanceId} ${actionId} attempt ${attempt}`);
    world.check("E3", e3DispatchFollowsCommit(this.#ledger, ref, executionId, actionId));
    world.check("E5", e5AttemptIsDurable(this.#ledger, ref, executionId, actionId, attempt));
    const { delivery, finding } = this.#deliveries.begin(`${ref} ${activityName(executionId, actionId)}`, attempt);
    world.check("E5", finding);
    this.#running.set(task, name);
    const ofName = [...this.#running.values()].filter((other) => other === name).length;
    world.check("E11", e11LimitsHold(this.#running.size, this.#maxActivities, "in all"));
    world.check("E11", e11LimitsHold(ofName, this.maxConcurrent(name), `named ${name}`));
    const asked = JSON.parse(input ?? "") as ActivityInput;
    if (asked.behaviour.kind === "hangs") return;
    const outcome = outcomeOf(asked, attempt, executionId, delivery, this.#deliveries.mended.has(asked.node));
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
      if (outcome.kind === "completed") this.#deliveries.completed(delivery, this.#life.number);
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
