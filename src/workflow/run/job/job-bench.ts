// Drives a job's machine in tests, step by step: preparing and re-evaluating answer at once, attempts end when the test
// says so.

import type { JobStatus, PreparedStep, RegisteredPre } from "../../../model/host-port.ts";
import type { StepPlan, WorkStepPlan } from "../../../model/plan.ts";
import { type FakeEnding, fakeResult, holds } from "../fake-host.ts";
import { job } from "../fake-plans.ts";
import type { JobOutcome, PrepareRequest, Publication } from "../records.ts";
import { JobMachine } from "./job-machine.ts";
import type { JobEvent, JobFact, Reaction } from "./job-protocol.ts";
import type { LiteralSteps } from "./literal-steps.ts";

export interface BenchOptions {
  readonly maxBackground?: number;
  readonly timeoutMinutes?: number;
  /** Steps that stay in preparation until `prepared`. */
  readonly held?: readonly string[];
  readonly tolerant?: readonly string[];
  readonly pres?: readonly RegisteredPre[];
  /** By default the host is asked about every step. */
  readonly literals?: LiteralSteps;
  /** What the host says of them when it opens the job. */
  readonly masked?: readonly string[];
}

export class JobBench {
  readonly facts: JobFact[] = [];
  /** Steps whose attempt has been asked for, in order. */
  readonly ran: string[] = [];
  readonly cancelled: string[] = [];
  readonly published: Publication[] = [];
  /** The position of each step when it was prepared. */
  readonly positions = new Map<string, number>();
  outcome: JobOutcome | undefined;
  isStartedOver = false;
  readonly #machine: JobMachine;
  readonly #options: BenchOptions;
  readonly #conditions = new Map<string, string>();
  readonly #requests = new Map<string, PrepareRequest>();

  constructor(steps: readonly StepPlan[], options: BenchOptions = {}) {
    this.#options = options;
    const plan = job("bench", { steps });
    for (const step of steps.flatMap((each): readonly (StepPlan | WorkStepPlan)[] => (each.kind === "parallel" ? each.members : [each]))) {
      if ("if" in step) this.#conditions.set(step.key, step.if.expression);
    }
    const { literals = new Map(), maxBackground = 10, timeoutMinutes = 360 } = options;
    this.#machine = new JobMachine({ plan, literals, maxBackground, timeoutMinutes });
    this.#react(this.#machine.begin());
  }

  send(event: JobEvent): this {
    this.#react(this.#machine.handle(event));
    return this;
  }

  end(step: string, ending: FakeEnding = {}): this {
    return this.send({ kind: "StepRan", step, ran: { kind: "ended", result: fakeResult(ending) } });
  }

  prepared(step: string): this {
    const request = this.#requests.get(step);
    if (request === undefined) throw new Error(`${step} was not prepared`);
    return this.send({ kind: "StepPrepared", step, prepared: this.#evaluate(request) });
  }

  cancelAnswered(step: string, survivors: readonly { readonly pid: number; readonly reason: string }[] = []): this {
    return this.send({ kind: "StepCancelled", step, survivors });
  }

  cancelJob(force = false): this {
    return this.send({ kind: "CancelRequested", notice: { reason: "asked", force } });
  }

  conclusion(step: string): string | undefined {
    const fact = this.facts.findLast((each) => each.kind === "StepFinished" && each.step === step);
    return fact?.kind === "StepFinished" ? fact.conclusion : undefined;
  }

  outcomeOf(step: string): string | undefined {
    const fact = this.facts.findLast((each) => each.kind === "StepFinished" && each.step === step);
    return fact?.kind === "StepFinished" ? fact.outcome : undefined;
  }

  lines(step: string): readonly string[] {
    return this.facts.flatMap((fact) => (fact.kind === "StepLog" && fact.step === step ? [fact.text] : []));
  }

  kinds(step: string): readonly string[] {
    return this.facts.flatMap((fact) => ("step" in fact && fact.step === step ? [fact.kind] : []));
  }

  #react({ commands, facts }: Reaction): void {
    this.facts.push(...facts);
    for (const command of commands) {
      switch (command.kind) {
        case "OpenJob":
          this.send({ kind: "Opened", pres: this.#options.pres ?? [], masked: this.#options.masked ?? [] });
          break;
        case "PrepareStep": {
          const { request } = command;
          this.published.push(...(request.published ?? []));
          this.positions.set(request.step, request.position);
          this.#requests.set(request.step, request);
          if (this.#options.held?.includes(request.step) !== true) this.prepared(request.step);
          break;
        }
        case "RunStep":
          this.published.push(...(command.request.published ?? []));
          this.ran.push(command.request.step);
          break;
        case "CancelStep":
          this.cancelled.push(command.step);
          break;
        case "ReevaluateStep":
          this.send({ kind: "StepReevaluated", step: command.step, holds: this.#holds(command.step, "cancelled") });
          break;
        case "EvaluateOutputs":
          this.send({ kind: "OutputsEvaluated", evaluated: { values: {}, skipped: [] } });
          break;
        case "CloseJob":
          this.send({ kind: "Closed" });
          break;
        case "StartOver":
          this.isStartedOver = true;
          break;
        case "Complete":
          this.outcome = command.outcome;
          break;
        case "ArmTimer":
          break;
        default:
          command satisfies never;
      }
    }
  }

  #evaluate({ step, post, pre, status = "success" }: PrepareRequest): PreparedStep {
    const name = post?.name ?? pre?.name ?? step;
    if (pre !== undefined && !holds(pre.condition, status)) return { verdict: "skip", name, hashes: [] };
    if (post === undefined && !this.#holds(step, status)) return { verdict: "skip", name, hashes: [] };
    return { verdict: "run", name, hashes: [], continueOnError: this.#options.tolerant?.includes(step) ?? false };
  }

  #holds(step: string, status: JobStatus): boolean {
    return holds(this.#conditions.get(step) ?? "always()", status);
  }
}
