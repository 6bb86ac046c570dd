// The machine of a recorded job, from its input: the same for the orchestrator and for whoever reads the history.

import { SignalboxError } from "../../../model/errors.ts";
import type { StepsJobPlan } from "../../../model/plan.ts";
import type { RunRecords } from "../ports.ts";
import type { JobInput } from "../records.ts";
import { JobMachine } from "./job-machine.ts";
import { literalSteps } from "./literal-steps.ts";

export function jobPlanOf(records: RunRecords, input: Pick<JobInput, "plan" | "job">): StepsJobPlan {
  const job = records.plan(input.plan).jobs.find(({ id }) => id === input.job);
  if (job?.kind !== "steps") throw new SignalboxError("INTERNAL", `the recorded plan has no job "${input.job}" with steps`);
  return job;
}

export function jobMachineOf(records: RunRecords, input: JobInput): JobMachine {
  const { maxBackground } = records.run(input.runId).inputs.options;
  const plan = jobPlanOf(records, input);
  const literals = literalSteps(records.plan(input.plan), plan);
  return new JobMachine({ plan, literals, maxBackground, timeoutMinutes: input.timeoutMinutes });
}
