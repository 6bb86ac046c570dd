// A run from end to end in one process: the real engine on a memory store, and a host that the test gives.

import { randomUUID } from "node:crypto";
import type { CommittedEvents, Engine } from "../../src/loops/engine.ts";
import { openEngine } from "../../src/loops/open-engine.ts";
import type { Host, Leftovers } from "../../src/model/host-port.ts";
import type { WorkflowPlan } from "../../src/model/plan.ts";
import type { RunEvent, RunInputs, RunView } from "../../src/model/run-view.ts";
import { openMemoryStore } from "../../src/store/memory/memory-store.ts";
import type { Store } from "../../src/store/store.ts";
import { fakeExpressions } from "../../src/workflow/run/fake-expressions.ts";
import { fakeRecords, PLAN, RUN_ID } from "../../src/workflow/run/fake-records.ts";
import type { JobExpressions, JobOpening, RunServices } from "../../src/workflow/run/ports.ts";
import { CANCEL_EVENT, type WorkflowInput, type WorkflowOutcome } from "../../src/workflow/run/records.ts";
import { type RunDefinitions, runDefinitions } from "../../src/workflow/run/run-definitions.ts";
import { NO_LEFTOVERS, StepLeftovers } from "../../src/workflow/run/step-leftovers.ts";
import { createRunProjector, type ProjectedEvent, type RunProjector } from "../../src/workflow/view/run-projector.ts";

export interface RunBenchOptions {
  readonly plan: WorkflowPlan;
  readonly host: Host;
  readonly called?: WorkflowPlan;
  readonly options?: Partial<RunInputs["options"]>;
  readonly baseEnvironment?: RunInputs["baseEnvironment"];
  readonly expressions?: JobExpressions;
  /** What an earlier process wrote. */
  readonly store?: Store;
  readonly leftovers?: Leftovers;
  readonly first?: readonly { readonly job: string; readonly step: string }[];
  /** Each turn against a full replay; off where a test has thousands of them. */
  readonly checkReplays?: boolean;
  readonly opening?: (job: string) => JobOpening;
}

const OPENING: JobOpening = {
  directories: { run: "/run", workspace: "/run/work", temp: "/run/temp", toolCache: "/run/tools" },
  contexts: {},
  sealKey: "",
};

export class RunBench implements AsyncDisposable {
  readonly engine: Engine;
  readonly projector: RunProjector;
  readonly events: RunEvent[] = [];
  readonly projected: ProjectedEvent[] = [];
  readonly committed: CommittedEvents[] = [];

  readonly #workflow: RunDefinitions["workflow"];
  #listeners: (() => void)[] = [];

  private constructor(engine: Engine, projector: RunProjector, workflow: RunDefinitions["workflow"]) {
    this.#workflow = workflow;
    this.engine = engine;
    this.projector = projector;
  }

  static async open(options: RunBenchOptions): Promise<RunBench> {
    const { plan, host, called, expressions = fakeExpressions } = options;
    const plans = called === undefined ? { [PLAN]: plan } : { [PLAN]: plan, called };
    const records = fakeRecords({ plans, options: options.options ?? {}, baseEnvironment: options.baseEnvironment ?? {} });
    const projector = createRunProjector({ runId: RUN_ID, root: RUN_ID, records, expressions });
    const onInterrupt = options.options?.onInterrupt ?? "rerun";
    const late: { bench?: RunBench } = {};
    const services: RunServices = {
      host,
      records,
      expressions,
      groups: { acquire: async () => ({ kind: "held" }), release: async () => {}, lost: () => undefined },
      leftovers: new StepLeftovers(options.leftovers ?? NO_LEFTOVERS, onInterrupt, options.first),
      loadWorkflow: async () => ({ kind: "loaded", plan: "called" }),
      openJob: async (_runId, job) => options.opening?.(job) ?? OPENING,
      secrets: () => [{ name: "TOKEN", value: "s3cret" }],
      history: (instanceId) => late.bench?.engine.history(instanceId) ?? Promise.resolve([]),
      onStepEvent: (from, event) => late.bench?.told(projector.stepEvent(from, event)),
      onFault: (fault) => {
        throw fault;
      },
    };
    const { orchestrators, activities, workflow } = runDefinitions(services);
    const engine = await openEngine({
      store: options.store ?? (await openMemoryStore()),
      orchestrators,
      activities,
      onCommitted: (committed) => late.bench?.take(committed),
      environment: {
        clock: {
          now: () => Date.now(),
          monotonic: () => performance.now(),
          setTimer(delayMs, callback) {
            const timer = setTimeout(callback, delayMs);
            return () => clearTimeout(timer);
          },
        },
        ids: { uuid: randomUUID },
        hop: (callback) => void setImmediate(callback),
        checkReplays: options.checkReplays ?? true,
        defect: (error) => {
          throw error;
        },
      },
    });
    const bench = new RunBench(engine, projector, workflow);
    late.bench = bench;
    return bench;
  }

  take(committed: readonly CommittedEvents[]): void {
    this.committed.push(...committed);
    const projected = this.projector.apply(committed);
    this.projected.push(...projected);
    this.told(projected.map(({ event }) => event));
  }

  told(events: readonly RunEvent[]): void {
    this.events.push(...events);
    for (const look of this.#listeners) look();
  }

  /** Resolves at the first event, past ones included, of which the condition holds. */
  until(holds: (event: RunEvent) => boolean): Promise<RunEvent> {
    const { promise, resolve } = Promise.withResolvers<RunEvent>();
    const look = (): void => {
      const found = this.events.find(holds);
      if (found !== undefined) resolve(found);
    };
    this.#listeners.push(look);
    look();
    return promise;
  }

  async start(input: Partial<WorkflowInput> = {}): Promise<this> {
    await this.engine.start(this.#workflow, { runId: RUN_ID, plan: PLAN, inputs: {}, ...input }, { instanceId: RUN_ID });
    return this;
  }

  async run(): Promise<WorkflowOutcome> {
    await this.start();
    return this.outcome();
  }

  async outcome(): Promise<WorkflowOutcome> {
    const { output, failure } = await this.engine.waitForCompletion(RUN_ID);
    if (failure !== undefined) throw new Error(failure.message);
    // The output of our own orchestration.
    return output as unknown as WorkflowOutcome;
  }

  cancel(): Promise<void> {
    return this.engine.raiseEvent(RUN_ID, CANCEL_EVENT, { reason: "asked" });
  }

  view(): RunView {
    return this.projector.view();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.engine.close({ drainMs: 0 });
  }
}
