// The ledgers of the jobs that this process has begun or taken up again. A job that it does not know is one from before
// a restart: its ledger is folded from its history, and the host is told about the job anew.

import { SignalboxError } from "../../../model/errors.ts";
import { jobPlanOf } from "../job/job-of-plan.ts";
import { mainItems } from "../job/main-items.ts";
import type { RunServices } from "../ports.ts";
import type { JobInput } from "../records.ts";
import { JobLedger } from "./job-ledger.ts";

export class JobLedgers {
  readonly #services: Pick<RunServices, "records" | "history">;
  readonly #open: (ledger: JobLedger) => Promise<void>;
  readonly #ledgers = new Map<string, Promise<JobLedger>>();

  constructor(services: Pick<RunServices, "records" | "history">, open: (ledger: JobLedger) => Promise<void>) {
    this.#services = services;
    this.#open = open;
  }

  /** A job opens, for the first time or over again. */
  begin(instanceId: string, input: JobInput): Promise<JobLedger> {
    return this.#keep(instanceId, this.#opened(this.#newLedger(input)));
  }

  of(instanceId: string): Promise<JobLedger> {
    return this.#ledgers.get(instanceId) ?? this.#keep(instanceId, this.#recovered(instanceId));
  }

  end(instanceId: string): void {
    this.#ledgers.delete(instanceId);
  }

  #keep(instanceId: string, ledger: Promise<JobLedger>): Promise<JobLedger> {
    this.#ledgers.set(instanceId, ledger);
    // A failed opening is tried again by the next activity that needs the job.
    ledger.catch(() => {
      if (this.#ledgers.get(instanceId) === ledger) this.#ledgers.delete(instanceId);
    });
    return ledger;
  }

  async #recovered(instanceId: string): Promise<JobLedger> {
    const history = await this.#services.history(instanceId);
    const started = history.find((event) => event.kind === "ExecutionStarted");
    if (started?.input === undefined) throw new SignalboxError("INTERNAL", `the job ${instanceId} has no beginning`);
    // Written by the orchestration `workflow`.
    const ledger = this.#newLedger(JSON.parse(started.input) as JobInput);
    ledger.fold(history);
    return this.#opened(ledger);
  }

  async #opened(ledger: JobLedger): Promise<JobLedger> {
    await this.#open(ledger);
    return ledger;
  }

  #newLedger(input: JobInput): JobLedger {
    const items = mainItems(jobPlanOf(this.#services.records, input).steps);
    const ids = items.flatMap(({ step }) => (step.id === undefined ? [] : [[step.key, step.id] as const]));
    return new JobLedger(input, new Map(ids));
  }
}
