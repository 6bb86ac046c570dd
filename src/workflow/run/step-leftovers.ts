// After a crash of the engine: what the host found of the run's steps, asked for by the activities that are attempted
// again. B21: interrupted background steps that overlapped ended steps begin again before anything else of their job.

import type { AttemptLog, InterruptedAttempt, JobKey, Leftovers, StepResult } from "../../model/host-port.ts";
import type { RunInputs } from "../../model/run-view.ts";

/** `cancel`: the run is taken up to be cancelled, so only what survives that is attempted again. */
export type InterruptPolicy = RunInputs["options"]["onInterrupt"] | "cancel";

export type StepLeftover =
  | { readonly kind: "ended"; readonly result: StepResult }
  | { readonly kind: "interrupted"; readonly attempt: number; readonly log?: AttemptLog }
  | { readonly kind: "never-began" };

export class StepLeftovers {
  readonly policy: InterruptPolicy;
  readonly #ended = new Map<string, StepResult>();
  readonly #interrupted = new Map<string, InterruptedAttempt>();
  /** For each job, the steps that must have begun before others of it may. */
  readonly #first = new Map<JobKey, Map<string, PromiseWithResolvers<void>>>();

  constructor(leftovers: Leftovers, policy: InterruptPolicy, first: readonly { readonly job: JobKey; readonly step: string }[] = []) {
    this.policy = policy;
    for (const { job, step, result } of leftovers.ended) this.#ended.set(keyOf(job, step), result);
    for (const interrupted of leftovers.interrupted) {
      const key = keyOf(interrupted.job, interrupted.step);
      if (interrupted.attempt > (this.#interrupted.get(key)?.attempt ?? 0)) this.#interrupted.set(key, interrupted);
    }
    for (const { job, step } of first) {
      const steps = this.#first.get(job) ?? new Map<string, PromiseWithResolvers<void>>();
      this.#first.set(job, steps.set(step, Promise.withResolvers()));
    }
  }

  /** What is left of a step whose activity is attempted again. */
  find(job: JobKey, step: string): StepLeftover {
    const key = keyOf(job, step);
    const result = this.#ended.get(key);
    if (result !== undefined) return { kind: "ended", result };
    const interrupted = this.#interrupted.get(key);
    if (interrupted === undefined) return { kind: "never-began" };
    const { attempt, log } = interrupted;
    return { kind: "interrupted", attempt, ...(log && { log }) };
  }

  /** Resolves when the step may begin. */
  async turnOf(job: JobKey, step: string): Promise<void> {
    const first = this.#first.get(job);
    if (first === undefined || first.has(step)) return;
    await Promise.all([...first.values()].map(({ promise }) => promise));
  }

  /** The step's process is there, or it will never be. */
  begun(job: JobKey, step: string): void {
    const first = this.#first.get(job);
    first?.get(step)?.resolve();
  }
}

export const NO_LEFTOVERS: Leftovers = { ended: [], interrupted: [] };

// Neither part holds a slash: job keys are [a-z0-9._-], step keys are ids.
const keyOf = (job: JobKey, step: string): string => `${job}/${step}`;
