// Activities of a workflow that are no job's: concurrency groups and called files.

import { defineActivity } from "../../../runtime/define.ts";
import type { RunServices } from "../ports.ts";
import { ACTIVITY, type GroupAnswer, type GroupRequest, type LoadedWorkflow, type LoadWorkflowRequest } from "../records.ts";
import type { RunActivities } from "./activity-set.ts";

export function groupActivities(services: RunServices): Pick<RunActivities, "acquireGroup" | "releaseGroup" | "loadWorkflow"> {
  return {
    acquireGroup: defineActivity<GroupRequest, GroupAnswer>(ACTIVITY.acquireGroup, ({ signal }, request) =>
      services.groups.acquire(request, signal),
    ),
    releaseGroup: defineActivity<GroupRequest, object>(ACTIVITY.releaseGroup, async (_context, request) => {
      await services.groups.release(request);
      return {};
    }),
    loadWorkflow: defineActivity<LoadWorkflowRequest, LoadedWorkflow>(ACTIVITY.loadWorkflow, (_context, { runId, caller, uses }) =>
      services.loadWorkflow(runId, services.records.plan(caller), uses),
    ),
  };
}
