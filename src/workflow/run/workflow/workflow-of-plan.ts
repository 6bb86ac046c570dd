// The machine of a recorded workflow, from its input: the same for the orchestrator and for whoever reads the history.

import type { JobExpressions, RunRecords } from "../ports.ts";
import type { WorkflowInput } from "../records.ts";
import { WorkflowMachine } from "./workflow-machine.ts";

export function workflowMachineOf(
  records: RunRecords,
  expressions: JobExpressions,
  instanceId: string,
  input: WorkflowInput,
): WorkflowMachine {
  return new WorkflowMachine({
    instanceId,
    input,
    plan: records.plan(input.plan),
    planOf: (hash) => records.plan(hash),
    run: records.run(input.runId),
    expressions,
  });
}

/** The instance of a job or called workflow of the run. */
export const instanceOf = (runId: string, host: string): string => `${runId}/${host}`;
