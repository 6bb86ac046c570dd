// A job that calls a workflow file: what the called one is started with.

import type { JobKey } from "../../../model/host-port.ts";
import type { JobPlan, WorkflowPlan } from "../../../model/plan.ts";
import type { ExpressionScope, JobExpressions } from "../ports.ts";
import type { Contexts, WorkflowInput } from "../records.ts";

/** GitHub's: the file that was started and three called ones below it. */
const MAX_DEPTH = 4;

export interface CalledPlan {
  readonly hash: string;
  readonly plan: WorkflowPlan;
}

export interface Call {
  readonly job: JobPlan;
  readonly key: string;
  readonly name: string;
  readonly host: JobKey;
  readonly contexts: Contexts;
  readonly scope: ExpressionScope;
  readonly caller: WorkflowInput;
  /** The instance that calls. */
  readonly root: string;
}

/** Throws an error for people where the call does not fit what the file declares. */
export function calledWorkflow(called: CalledPlan, call: Call, expressions: JobExpressions): WorkflowInput {
  const { job, caller } = call;
  if (job.kind !== "call") throw new Error(`the job "${job.id}" calls no workflow`);
  const above = caller.call;
  const depth = (above?.depth ?? 1) + 1;
  if (depth > MAX_DEPTH) throw new Error(`${job.uses}: workflows may be nested ${MAX_DEPTH} deep, and this one would be the ${depth}th`);
  const { call: declared } = called.plan;
  if (declared === undefined) throw new Error(`${called.plan.file} cannot be called: it has no "on: workflow_call"`);
  const given = job.with === undefined ? {} : expressions.value(job.with, call.scope);
  return {
    runId: caller.runId,
    plan: called.hash,
    inputs: expressions.callInputs(declared, given, call.scope),
    call: {
      root: above?.root ?? call.root,
      key: call.key,
      name: call.name,
      host: call.host,
      depth,
      secrets: [...(above?.secrets ?? []), { secrets: job.secrets, contexts: call.contexts }],
    },
  };
}
