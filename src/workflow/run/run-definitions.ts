// The orchestrators and activities of workflow runs over their ports: what an engine is given to carry runs out.

import type { EngineOptions } from "../../loops/engine.ts";
import { runActivities } from "./activities/run-activities.ts";
import { type JobOrchestrator, jobOrchestrator } from "./job/job-orchestrator.ts";
import type { RunServices } from "./ports.ts";
import { type WorkflowOrchestrator, workflowOrchestrator } from "./workflow/workflow-orchestrator.ts";

export interface RunDefinitions {
  /** A run is an instance of this one. */
  readonly workflow: WorkflowOrchestrator;
  readonly job: JobOrchestrator;
  readonly orchestrators: EngineOptions["orchestrators"];
  readonly activities: EngineOptions["activities"];
}

export function runDefinitions(services: RunServices): RunDefinitions {
  const activities = runActivities(services);
  const { records, expressions } = services;
  const job = jobOrchestrator(records, activities);
  const workflow = workflowOrchestrator({ records, expressions, activities, job });
  return { workflow, job, orchestrators: [workflow, job], activities: Object.values(activities) };
}
