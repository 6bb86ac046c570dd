// A workflow file to its plan: parse once, read the tokens once, check what the schema cannot. Never throws for what a
// file says; everything wrong with it is a diagnostic.

import { parseWorkflowFile, type SourceFile } from "../../expressions/parse-file.ts";
import { fieldMap, optional, textOf } from "../../expressions/token-fields.ts";
import type { Diagnostic, WorkflowPlan } from "../../model/plan.ts";
import type { TemplateToken } from "../../model/template.ts";
import { checkNeeds, settleNeeds } from "./check-needs.ts";
import { planJobs } from "./plan-job.ts";
import { planConcurrency, planDefaults } from "./plan-shared-keys.ts";
import { planCallInterface, planTriggers } from "./plan-triggers.ts";
import { Report } from "./report.ts";

export interface PlannedWorkflow {
  /** Absent when there is an error. */
  readonly plan?: WorkflowPlan;
  readonly diagnostics: readonly Diagnostic[];
}

export async function planWorkflow(source: SourceFile): Promise<PlannedWorkflow> {
  const parsed = await parseWorkflowFile(source);
  const report = new Report(source.file, parsed.diagnostics);
  if (parsed.root === undefined) return { diagnostics: report.diagnostics };
  const plan = readWorkflow(parsed.root, report);
  return report.hasErrors ? { diagnostics: report.diagnostics } : { plan, diagnostics: report.diagnostics };
}

function readWorkflow(root: TemplateToken, report: Report): WorkflowPlan {
  const fields = fieldMap(root);
  const jobs = settleNeeds(planJobs(fields.get("jobs"), report));
  checkNeeds(jobs, fields.get("jobs"), report);
  const on = fields.get("on")?.value;
  return {
    file: report.file,
    name: textOf(fields.get("name")?.value) ?? report.file,
    ...optional("runName", fields.get("run-name")?.value),
    triggers: planTriggers(on, report),
    ...optional("env", fields.get("env")?.value),
    defaults: planDefaults(fields.get("defaults")),
    ...optional("concurrency", planConcurrency(fields.get("concurrency"))),
    ...optional("permissions", fields.get("permissions")?.value),
    jobs,
    ...optional("call", planCallInterface(on, report)),
  };
}
