import type { WorkflowPlan } from "../../model/plan.ts";
import type { JobExpressions } from "../../workflow/run/ports.ts";
import type { Contexts } from "../../workflow/run/records.ts";

const AT_THE_START = { success: true, failure: false, cancelled: false };

/** As `run-name` says, or the workflow's own. */
export async function runName(plan: WorkflowPlan, contexts: Contexts, expressions: () => Promise<JobExpressions>): Promise<string> {
  const { runName: token } = plan;
  if (token === undefined) return plan.name;
  if (token.kind === "string") return token.value;
  const name = (await expressions()).value(token, { contexts, status: AT_THE_START });
  return typeof name === "string" && name.trim() !== "" ? name : plan.name;
}
