// Programs and clients from a seed. Whatever is drawn here must end: each event that a program waits for is sent, each
// activity ends or has a limit.

import type { CallOptions } from "../../src/runtime/context.ts";
import type { ActivityStep, Clearing, ClientAct, Place, Plan, Program, Root, Step } from "./program.ts";
import type { Random } from "./random.ts";

/** The far ones run in workers out of process. */
const ACTIVITIES = ["quick", "quick", "slow", "narrow", "far", "far", "far and narrow"] as const;
const DAY_MS = 24 * 3_600_000;

export function generatePlan(random: Random): Plan {
  const count = random.int("roots", 2, 6);
  const roots = Array.from({ length: count }, (_, index) => new Generator(random, index).root());
  return random.chance("clears a hub", 0.3) ? { roots, clearing: new Generator(random, count).clearing() } : { roots };
}

/** Only the root is known to clients; the last custom status of concurrent branches would depend on a race. */
type Level = "root" | "child" | "branch";

const SHARED_ENTITIES = ["@desk@shared", "@stock@shared", "@stock@other", "@desk@other"] as const;

/** Draws one root instance: its programs and what its client does. */
class Generator {
  readonly #random: Random;
  readonly #index: number;
  #nodes = 0;
  #isRacy = false;
  #isBroken = false;
  /** What the client has to send in each round: a name, and how many of it. */
  #events: { readonly name: string; readonly count: number }[] = [];

  constructor(random: Random, index: number) {
    this.#random = random;
    this.#index = index;
  }

  root(): Root {
    const random = this.#random;
    const isTerminated = random.chance("is terminated", 0.2);
    const isBroken = !isTerminated && random.chance("is broken", 0.2);
    this.#isBroken = isBroken;
    const program = isTerminated && random.chance("until terminated", 0.7) ? this.#endless() : this.#program(isTerminated);
    const hasEvents = this.#events.length > 0;
    const replacement = !isTerminated && random.chance("is replaced", 0.15) ? this.#replacement() : undefined;
    const scheduledInMs = random.chance("scheduled", 0.15) ? random.int("scheduled in", 1, 5_000) : undefined;
    const events = this.#events;
    const reuse = random.chance("reuses the id", 0.25) ? this.#reuse() : undefined;
    return {
      instanceId: `root ${this.#index}`,
      program,
      startAfterMs: random.int("start after", 0, 1_500),
      ...(scheduledInMs !== undefined && { scheduledInMs }),
      acts: this.#acts(events, program.rounds, isTerminated),
      isRacy: this.#isRacy,
      isTerminated,
      isBroken,
      restart: hasEvents || isTerminated || replacement !== undefined ? "no" : random.pick("restart", ["no", "no", "same id", "new id"]),
      ...(replacement !== undefined && { replacement }),
      purge: random.pick("purge", ["no", "no", "no", "alone", "recursive"]),
      ...(reuse !== undefined && { reuse }),
    };
  }

  /** Long enough for a hub to be cleared while they run. */
  clearing(): Clearing {
    const random = this.#random;
    const programs = Array.from({ length: random.int("cleared programs", 1, 3) }, () => this.#endless());
    return { programs, entities: ["@desk@cleared", "@stock@cleared"], afterMs: random.int("cleared after", 0, 500) };
  }

  #program(isTerminated: boolean): Program {
    const random = this.#random;
    const steps = this.#steps(2, 6, 2);
    if (this.#isBroken) steps.splice(random.int("broken at", 0, steps.length), 0, this.#broken());
    // Nothing after it needs anybody who may wait for the same entities.
    if (random.chance("ends with locks", 0.25)) steps.push(this.#section(true));
    if (isTerminated) steps.push({ kind: "event", name: "never" });
    else if (!this.#isBroken && random.chance("throws", 0.1)) steps.push({ kind: "throw" });
    return this.#of(steps, random.pick("rounds", [1, 1, 2, 3]));
  }

  #of(steps: readonly Step[], rounds = 1): Program {
    return { node: this.#node(), steps, rounds, where: this.#where() };
  }

  #where(): Place {
    return this.#random.pick("where", ["here", "elsewhere"]);
  }

  #replacement(): NonNullable<Root["replacement"]> {
    return { afterMs: this.#random.int("replaced after", 0, 1_000), program: this.#reuse() };
  }

  #broken(): Step {
    const step: Step = { kind: "broken", node: this.#node() };
    return this.#random.chance("in a child", 0.3) ? { kind: "brokenChild", program: this.#of([this.#activity(), step]) } : step;
  }

  #section(isLeft: boolean): Step {
    const random = this.#random;
    const some = SHARED_ENTITIES.filter(() => random.chance("locks", 0.5));
    const entities = some.length === 0 ? [random.pick("locks", SHARED_ENTITIES)] : some;
    const inside = random.chance("works inside", 0.6) ? [random.chance("an activity", 0.5) ? this.#activity() : this.#pause()] : [];
    // What a rewound execution has read was read under a lock that is gone.
    return { kind: "section", entities, inside, isCareful: !this.#isBroken, isLeft };
  }

  #pause(): Step {
    return { kind: "timer", delayMs: this.#random.int("pause", 0, 300) };
  }

  #entityStep(level: Level): Step {
    const random = this.#random;
    const entity = random.pick("entity", SHARED_ENTITIES);
    switch (random.pick("does", ["signal", "signal later", "call", "tally", "section", "section"])) {
      case "signal":
        return { kind: "signal", entity };
      case "signal later":
        return { kind: "signal", entity, delayMs: random.int("later by", 0, 3_000) };
      case "tally":
        return { kind: "tally", node: this.#node(), where: this.#where(), amounts: random.pick("amounts", [[1], [1, 2, 3]]) };
      case "section":
        return level === "branch" ? { kind: "callEntity", entity } : this.#section(false);
      default:
        return { kind: "callEntity", entity };
    }
  }

  /** Continues as new until it is terminated; what it leaves behind reaches later executions. */
  #endless(): Program {
    const random = this.#random;
    const node = this.#node();
    const left: readonly Step[] = [
      { kind: "leaveActivity", node },
      { kind: "leaveTimer", delayMs: random.int("left timer", 10, 200) },
      { kind: "leaveChild", program: { node, steps: [{ kind: "timer", delayMs: 50 }], rounds: 1, where: this.#where() } },
    ];
    const locks = random.chance("locks in each round", 0.5) ? [this.#section(true)] : [];
    const pause: Step = { kind: "timer", delayMs: random.int("pause", 5, 100) };
    return this.#of([...left.filter(() => random.chance("leaves", 0.4)), ...locks, pause], Number.MAX_SAFE_INTEGER);
  }

  #reuse(): Program {
    const isRacy = this.#isRacy;
    const steps = this.#steps(1, 3, 1).filter(awaitsNoClient);
    this.#isRacy ||= isRacy;
    return this.#of(steps);
  }

  #acts(events: readonly { readonly name: string; readonly count: number }[], rounds: number, isTerminated: boolean): readonly ClientAct[] {
    const random = this.#random;
    const acts: ClientAct[] = [];
    const pause = (): number => random.pick("client waits", [0, 1, random.int("a while", 0, 300), random.int("long", 300, 4_000)]);
    let sequence = 0;
    for (let round = 0; round < rounds && events.length > 0; round++) {
      for (const { name, count } of events) {
        for (let sent = 0; sent < count; sent++) {
          const isKeyed = random.chance("is keyed", 0.5);
          acts.push({ afterMs: pause(), act: { kind: "event", name: `${name}.${round}`, sequence: ++sequence, isKeyed } });
          if (random.chance("noise", 0.15)) acts.push({ afterMs: 0, act: { kind: "event", name: "noise", sequence: ++sequence, isKeyed } });
        }
      }
    }
    for (let count = random.pick("signals", [0, 0, 1, 4]); count > 0; count--) {
      const inMs = random.chance("scheduled signal", 0.3) ? { inMs: random.int("in", 1, 2_000) } : {};
      acts.push({
        afterMs: pause(),
        act: { kind: "signal", entity: random.pick("entity", SHARED_ENTITIES), sequence: ++sequence, ...inMs },
      });
    }
    if (random.chance("is suspended", 0.25)) {
      const at = random.int("suspended at", 0, acts.length);
      acts.splice(at, 0, { afterMs: pause(), act: { kind: "suspend" } }, { afterMs: pause(), act: { kind: "resume" } });
    }
    if (isTerminated) acts.push({ afterMs: random.int("terminated after", 0, 3_000), act: { kind: "terminate" } });
    return acts;
  }

  #node(): number {
    this.#nodes += 1;
    return this.#index * 1_000 + this.#nodes;
  }

  #steps(from: number, to: number, depth: number, level: Level = "root"): Step[] {
    const count = this.#random.int("steps", from, to);
    return Array.from({ length: count }, () => this.#step(depth, level));
  }

  #step(depth: number, level: Level): Step {
    const random = this.#random;
    const kind = random.int("step", 0, 99);
    if (kind < 14) return this.#entityStep(level);
    if (kind < 30) return this.#activity();
    if (kind < 40) return { kind: "timer", delayMs: this.#delay() };
    if (kind < 50) return { kind: "all", branches: this.#branches(depth) };
    if (kind < 60) return level === "root" && !this.#isBroken ? this.#event() : this.#activity();
    if (kind < 66) return { kind: "race", node: this.#node(), delayMs: random.int("race", 0, 600), isDecisive: this.#decisive() };
    if (kind < 70 && level !== "branch") return { kind: "status", value: this.#node() };
    if (kind < 75) return { kind: "leaveActivity", node: this.#node() };
    if (kind < 77) return { kind: "leaveTimer", delayMs: random.int("left timer", 0, 2_000) };
    if (kind < 80) return { kind: "patch", node: this.#node() };
    if (kind < 83) return { kind: "tell", instanceId: `root ${random.int("tells", 0, 5)}` };
    if (kind < 86) return { kind: "conflictingChild", node: this.#node() };
    if (kind < 88) return { kind: "terminatedChild", node: this.#node() };
    if (depth === 0) return this.#activity();
    return this.#child(depth - 1, kind);
  }

  #child(depth: number, kind: number): Step {
    const random = this.#random;
    const steps = this.#steps(1, 3, depth, "child");
    const rounds = random.pick("child rounds", [1, 1, 2]);
    const program = this.#of(steps, rounds);
    if (kind < 91) return { kind: "leaveChild", program };
    if (kind < 94) {
      const event = `from child ${program.node}`;
      const at = random.int("tells at", 0, steps.length);
      return { kind: "tellingChild", event, program: { ...program, steps: steps.toSpliced(at, 0, { kind: "tellParent", event }) } };
    }
    if (kind < 97) return { kind: "child", program };
    const retry = { maxAttempts: 2, firstDelayMs: random.pick("child retry", [0, 100]) };
    return { kind: "child", retry, program: { ...program, steps: [...steps, { kind: "throw" }] } };
  }

  #branches(depth: number): readonly (readonly Step[])[] {
    const random = this.#random;
    const width = random.chance("wide", 0.1) ? random.int("width", 10, 30) : random.int("branches", 2, 4);
    return Array.from({ length: width }, () => (width > 4 ? [this.#activity()] : this.#steps(1, 2, Math.max(0, depth - 1), "branch")));
  }

  #activity(): ActivityStep {
    const random = this.#random;
    const step = { kind: "activity", node: this.#node(), name: random.pick("activity", ACTIVITIES) } as const;
    const retry = (maxAttempts: number): CallOptions => ({
      retry: { maxAttempts, firstDelayMs: random.pick("retry after", [0, 50]), backoff: 2 },
    });
    switch (random.pick("behaviour", ["plain", "plain", "plain", "fails", "retried", "recovers", "patient", "hangs", "gives up"])) {
      case "fails":
        return { ...step, behaviour: { kind: "fails" } };
      case "retried":
        return { ...step, behaviour: { kind: "fails" }, options: retry(3) };
      case "recovers":
        return { ...step, behaviour: { kind: "recovers", at: random.int("recovers at", 2, 3) }, options: retry(3) };
      case "patient":
        return {
          ...step,
          behaviour: { kind: "succeeds" },
          options: { startToCloseMs: 2_000, retry: { maxAttempts: 100, firstDelayMs: 10 } },
        };
      case "hangs":
        return { ...step, behaviour: { kind: "hangs" }, options: { startToCloseMs: random.int("startToClose", 50, 500), ...retry(2) } };
      case "gives up":
        return { ...step, behaviour: { kind: "hangs" }, options: { scheduleToCloseMs: random.int("scheduleToClose", 50, 3_000) } };
      default:
        return { ...step, behaviour: { kind: "succeeds" } };
    }
  }

  #event(): Step {
    const name = `event ${this.#node()}`;
    const count = this.#random.pick("events", [1, 1, 3]);
    this.#events = [...this.#events, { name, count }];
    return count === 1 ? { kind: "event", name } : { kind: "events", name, count };
  }

  #decisive(): boolean {
    const isDecisive = this.#random.chance("decisive", 0.3);
    this.#isRacy ||= isDecisive;
    return isDecisive;
  }

  #delay(): number {
    const random = this.#random;
    // Beyond what one timer of Node can hold.
    if (random.chance("very long", 0.05)) return 30 * DAY_MS;
    return random.pick("timer", [0, 1, random.int("some", 2, 500), random.int("more", 500, 5_000)]);
  }
}

function awaitsNoClient(step: Step): boolean {
  return step.kind !== "event" && step.kind !== "events";
}
