// What the orchestrations of a simulation do: programs as data, so that a seed can make them, a failure can print them, and
// one interpreter runs them all.

import type { RetryPolicy } from "../../src/model/activity-options.ts";
import type { CallOptions } from "../../src/runtime/context.ts";

/** How the simulated activity behaves; its outcome depends on nothing else, so that no crash can change it. */
export type Behaviour =
  | { readonly kind: "succeeds" }
  | { readonly kind: "fails" }
  /** Fails as long as the attempt is below this. */
  | { readonly kind: "recovers"; readonly at: number }
  | { readonly kind: "hangs" }
  /** Fails until somebody has mended it: then the instance is rewound. */
  | { readonly kind: "broken" };

export interface ActivityStep {
  readonly kind: "activity";
  /** Unique within all programs of a seed. */
  readonly node: number;
  readonly name: string;
  readonly behaviour: Behaviour;
  readonly options?: CallOptions;
}

export type Step =
  | ActivityStep
  /** Started and never awaited: its end comes late, or to a later execution. */
  | { readonly kind: "leaveActivity"; readonly node: number }
  | { readonly kind: "leaveTimer"; readonly delayMs: number }
  | { readonly kind: "leaveChild"; readonly program: Program }
  | { readonly kind: "timer"; readonly delayMs: number }
  | { readonly kind: "event"; readonly name: string }
  /** Several of one name, each once, in order. */
  | { readonly kind: "events"; readonly name: string; readonly count: number }
  | { readonly kind: "all"; readonly branches: readonly (readonly Step[])[] }
  /** An activity against a timer; a decisive race's winner is part of the result. */
  | { readonly kind: "race"; readonly node: number; readonly delayMs: number; readonly isDecisive: boolean }
  | { readonly kind: "child"; readonly program: Program; readonly retry?: RetryPolicy }
  /** A child under the id of a living instance: its own parent's. */
  | { readonly kind: "conflictingChild"; readonly node: number }
  /** A child that tells its parent something before it ends. */
  | { readonly kind: "tellingChild"; readonly program: Program; readonly event: string }
  /** A child that is terminated by its parent, in the turn that starts it. */
  | { readonly kind: "terminatedChild"; readonly node: number }
  | { readonly kind: "tellParent"; readonly event: string }
  /** An event that nobody waits for. */
  | { readonly kind: "tell"; readonly instanceId: string }
  | { readonly kind: "status"; readonly value: number }
  /** Changed code: an older process calls one activity, a newer one another, with the same outcome. */
  | { readonly kind: "patch"; readonly node: number }
  | { readonly kind: "throw" }
  /** Fails its program, until it is mended. */
  | { readonly kind: "broken"; readonly node: number }
  /** The same in a child. */
  | { readonly kind: "brokenChild"; readonly program: Program }
  /** One way; with `delayMs` not before that time. */
  | { readonly kind: "signal"; readonly entity: string; readonly delayMs?: number }
  | { readonly kind: "callEntity"; readonly entity: string }
  /** An entity of its own, called several times: what it answers tells of all calls before. */
  | { readonly kind: "tally"; readonly node: number; readonly amounts: readonly number[]; readonly where: Place }
  | Section;

/** Entities locked together. What is read there is still so when it is written. */
export interface Section {
  readonly kind: "section";
  readonly entities: readonly string[];
  readonly inside: readonly Step[];
  /** Read before `inside` and written after it; else they are only called. */
  readonly isCareful: boolean;
  /** Never released but by the end of the execution. */
  readonly isLeft: boolean;
}

/** Where code runs: in the engine's process, or in a worker out of process. */
export type Place = "here" | "elsewhere";

export interface Program {
  readonly node: number;
  readonly steps: readonly Step[];
  /** Executions in a row, by continue-as-new. */
  readonly rounds: number;
  readonly where: Place;
}

/** The input of each instance of a simulation. */
export interface ProgramInput {
  readonly program: Program;
  /** Where the program stands in the tree of all programs; the same whatever ids are drawn. */
  readonly path: string;
  readonly round: number;
  readonly results: readonly Outcome[];
}

export type Outcome = null | boolean | number | string | readonly Outcome[] | { readonly [name: string]: Outcome };

/** Something that a client does to a root instance, some time after its start or after the thing before. */
export interface ClientAct {
  readonly afterMs: number;
  readonly act: /** `isKeyed`: sent twice it counts once. */
    | { readonly kind: "event"; readonly name: string; readonly sequence: number; readonly isKeyed: boolean }
    | { readonly kind: "signal"; readonly entity: string; readonly sequence: number; readonly inMs?: number }
    | { readonly kind: "suspend" }
    | { readonly kind: "resume" }
    | { readonly kind: "terminate" };
}

export interface Root {
  readonly instanceId: string;
  readonly program: Program;
  readonly startAfterMs: number;
  readonly scheduledInMs?: number;
  readonly acts: readonly ClientAct[];
  /** Its result may depend on a race: left out of the comparison with the undisturbed run (E15). */
  readonly isRacy: boolean;
  readonly isTerminated: boolean;
  readonly purge: "no" | "alone" | "recursive";
  /** What starts under the same id after the end. */
  readonly reuse?: Program;
  /** What takes its place while it runs: how far it got is free to differ. */
  readonly replacement?: { readonly afterMs: number; readonly program: Program };
  /** It fails until it is mended, and is rewound after that. */
  readonly isBroken: boolean;
  readonly restart: "no" | "same id" | "new id";
}

/** A client that clears a hub of its own while everything in it is under way. */
export interface Clearing {
  readonly programs: readonly Program[];
  readonly entities: readonly string[];
  readonly afterMs: number;
}

export interface Plan {
  readonly roots: readonly Root[];
  readonly clearing?: Clearing;
}
