// One step that runs something, over its whole life in the job.

import type { AttemptLog, PostStep, PreparedStep, RegisteredPre, StepConclusion, StepResult } from "../../../model/host-port.ts";
import { nextPhase, type Phase, type StepSignal } from "./step-phases.ts";

export interface StepTraits {
  readonly key: string;
  readonly id?: string;
  readonly background: boolean;
  readonly group?: string;
  readonly post?: PostStep;
  readonly pre?: RegisteredPre;
}

interface Ending {
  readonly outcome: StepConclusion;
  readonly message?: string;
  readonly result?: StepResult;
  readonly attempt?: number;
  readonly log?: AttemptLog;
}

export class StepRecord {
  readonly traits: StepTraits;
  name: string;
  /** The job had been cancelled when the step was reached: its condition has seen it. */
  knowsOfCancel = false;
  /** Who ended it: its own `cancel` step, or the job. The first one counts (B17). */
  cancelledBy: "step" | "job" | undefined;
  cancelAnswered = false;
  survivors: readonly { readonly pid: number; readonly reason: string }[] = [];
  /** A wait or cancel has named it, or a wait-all has included it. */
  isWaitedFor = false;
  #phase: Phase = "unreached";
  #continueOnError = false;
  #ending: Ending | undefined;

  constructor(traits: StepTraits) {
    this.traits = traits;
    this.name = traits.id ?? traits.key;
  }

  get phase(): Phase {
    return this.#phase;
  }

  /** False where the signal came too late to change anything. */
  signal(signal: StepSignal): boolean {
    const before = this.#phase;
    this.#phase = nextPhase(before, signal);
    return this.#phase !== before;
  }

  prepared(prepared: PreparedStep): void {
    this.name = prepared.name;
    if (prepared.verdict !== "skip") this.#continueOnError = prepared.continueOnError;
  }

  end(ending: Ending): void {
    this.#ending = ending;
  }

  get ending(): Ending {
    if (this.#ending === undefined) throw new Error(`step ${this.traits.key} has not ended`);
    return this.#ending;
  }

  get conclusion(): StepConclusion {
    const { outcome } = this.ending;
    return outcome === "failure" && this.#continueOnError ? "success" : outcome;
  }
}
