// A host for tests, in memory: steps are functions, conditions are the four status functions. It keeps what it was asked
// and told, and refuses what the port rules out, so that a caller who breaks the contract fails here too.

import type {
  CancelledStep,
  CancelStep,
  EvaluatedOutputs,
  EvaluateOutputs,
  Host,
  JobStatus,
  Leftovers,
  OpenedJob,
  OpenJob,
  PreparedStep,
  PrepareStep,
  PublishedStep,
  ReevaluateCondition,
  RegisteredPost,
  RegisteredPre,
  RunStep,
  StepEvent,
  StepResult,
} from "../../model/host-port.ts";
import type { StepPlan } from "../../model/plan.ts";

export interface FakeAttempt {
  readonly request: RunStep;
  /** What the step sees of the steps before it. */
  readonly published: readonly PublishedStep[];
  /** Aborts when the step is cancelled. */
  readonly signal: AbortSignal;
}
export type FakeEnding = Partial<Omit<StepResult, "startedAt" | "endedAt">>;
export type FakeStep = (attempt: FakeAttempt) => FakeEnding | Promise<FakeEnding>;

export interface FakeHostOptions {
  /** By `job/step`, then by step. A step that is not here succeeds at once. */
  readonly steps?: { readonly [key: string]: FakeStep };
  readonly leftovers?: Leftovers;
  /** Of all jobs; each takes those of its own steps. */
  readonly pres?: readonly RegisteredPre[];
  /** By step: processes that a cancel leaves behind. */
  readonly survivors?: { readonly [step: string]: CancelledStep["survivors"] };
  readonly now?: () => number;
}

export class FakeHost implements Host {
  /** What happened, in order: `open job`, `prepare job/step`, `run job/step #1`, `cancel job/step`, `close job`. */
  readonly calls: string[] = [];
  readonly opened: OpenJob[] = [];
  readonly #options: FakeHostOptions;
  readonly #jobs = new Map<string, { readonly open: OpenJob; readonly published: PublishedStep[] }>();
  readonly #running = new Map<string, AbortController>();

  constructor(options: FakeHostOptions = {}) {
    this.#options = options;
  }

  async openJob(request: OpenJob): Promise<OpenedJob> {
    this.calls.push(`open ${request.job}`);
    this.opened.push(request);
    if (!this.#jobs.has(request.job)) this.#jobs.set(request.job, { open: request, published: [] });
    const pres = this.#options.pres?.filter(({ main }) => everyStep(request.steps).some(({ key }) => key === main)) ?? [];
    return pres.length === 0 ? {} : { pres };
  }

  async prepareStep(request: PrepareStep): Promise<PreparedStep> {
    this.calls.push(`prepare ${request.job}/${request.step}`);
    this.#publish(request);
    const name = request.post?.name ?? request.pre?.name ?? request.step;
    if (!holds(this.#conditionOf(request), request.at.jobStatus)) return { verdict: "skip", name, hashes: [] };
    const plan = this.#planOf(request);
    const continueOnError = plan?.continueOnError?.kind === "boolean" && plan.continueOnError.value;
    return { verdict: "run", name, continueOnError, hashes: [] };
  }

  async runStep(request: RunStep, onEvent: (event: StepEvent) => void): Promise<StepResult> {
    const key = `${request.job}/${request.step}`;
    if (this.#running.has(key)) throw new Error(`${key} runs already`);
    this.calls.push(`run ${key} #${request.attempt}`);
    this.#publish(request);
    const controller = new AbortController();
    this.#running.set(key, controller);
    const startedAt = this.#now();
    onEvent({ kind: "started", pid: 1, at: startedAt });
    try {
      const step = this.#options.steps?.[key] ?? this.#options.steps?.[request.step] ?? (() => ({}));
      const published = this.#job(request).published.slice(0, request.at.position);
      const ending = await Promise.resolve(step({ request, published, signal: controller.signal }));
      return { ...EMPTY, attempt: request.attempt, startedAt, endedAt: this.#now(), ...ending };
    } finally {
      this.#running.delete(key);
    }
  }

  async cancelStep(request: CancelStep): Promise<CancelledStep> {
    const key = `${request.job}/${request.step}`;
    this.calls.push(`cancel ${key}`);
    const survivors = this.#options.survivors?.[request.step] ?? [];
    if (survivors.length === 0) this.#running.get(key)?.abort();
    return { survivors };
  }

  async reevaluate(request: ReevaluateCondition): Promise<{ readonly holds: boolean }> {
    return { holds: holds(this.#conditionOf(request), request.at.jobStatus) };
  }

  async evaluateOutputs(request: EvaluateOutputs): Promise<EvaluatedOutputs> {
    this.#publish(request);
    const { published } = this.#job(request);
    const values = request.values.map(({ name, value }) => {
      if (value.kind !== "expression") return [name, value.kind === "string" ? value.value : ""] as const;
      // `steps.<id>.outputs.<name>`
      const [, id, , output] = value.expression.split(".");
      const found = published.find((step) => step.id === id)?.outputs[output ?? ""];
      return [name, typeof found === "string" ? found : ""] as const;
    });
    return { values: Object.fromEntries(values), skipped: [] };
  }

  async closeJob({ job }: { readonly job: string }): Promise<void> {
    this.calls.push(`close ${job}`);
    this.#jobs.delete(job);
  }

  async recover(): Promise<Leftovers> {
    return this.#options.leftovers ?? { ended: [], interrupted: [] };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const controller of this.#running.values()) controller.abort();
  }

  #publish({ job, at: { from, position, published } }: Pick<PrepareStep, "job" | "at">): void {
    const known = this.#job({ job }).published;
    if (from > known.length) throw new Error(`${job}: told of entries from ${from}, but knows only ${known.length}`);
    if (from + published.length !== position) throw new Error(`${job}: ${published.length} entries from ${from} do not reach ${position}`);
    known.push(...published.slice(Math.max(0, known.length - from)));
  }

  #job({ job }: { readonly job: string }) {
    const found = this.#jobs.get(job);
    if (found === undefined) throw new Error(`the job ${job} is not open`);
    return found;
  }

  #planOf({ job, step }: Pick<PrepareStep, "job" | "step">): StepPlan | undefined {
    return everyStep(this.#job({ job }).open.steps).find(({ key }) => key === step);
  }

  #conditionOf(request: PrepareStep): string {
    const { post, pre } = request;
    if (post !== undefined || pre !== undefined) return (post ?? pre)?.condition ?? "";
    const plan = this.#planOf(request);
    return plan !== undefined && "if" in plan ? plan.if.expression : "always()";
  }

  #now(): number {
    return this.#options.now?.() ?? 0;
  }
}

const EMPTY: StepResult = {
  attempt: 1,
  outcome: "success",
  timedOut: false,
  outputs: {},
  environment: [],
  path: [],
  masks: [],
  annotations: [],
  log: { file: "log", bytes: 0, lines: 0 },
  summaryBytes: 0,
  startedAt: 0,
  endedAt: 0,
  posts: [],
};

/** A complete result from what matters of it. */
export const fakeResult = (ending: FakeEnding = {}): StepResult => ({ ...EMPTY, ...ending });

/** A step that runs until it is cancelled. */
export const untilCancelled: FakeStep = ({ signal }) =>
  new Promise((resolve) => signal.addEventListener("abort", () => resolve({ outcome: "cancelled" })));

export const pre = (main: string, condition = "always()"): RegisteredPre => ({ main, name: `Pre ${main}`, condition, place: [] });

export const post = (name: string): RegisteredPost => ({ name, condition: "always()", state: {}, action: null });

const everyStep = (steps: readonly StepPlan[]): readonly StepPlan[] =>
  steps.flatMap((step): readonly StepPlan[] => (step.kind === "parallel" ? [step, ...step.members] : [step]));

export function holds(expression: string, status: JobStatus): boolean {
  switch (expression) {
    case "success()":
      return status === "success";
    case "failure()":
      return status === "failure";
    case "cancelled()":
      return status === "cancelled";
    case "always()":
      return true;
    default:
      throw new Error(`the fake host knows no condition ${expression}`);
  }
}
