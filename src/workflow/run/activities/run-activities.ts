// The activities of a run. Each one is a thin way to a port; what they share about a job is its ledger.

import type { RunServices } from "../ports.ts";
import type { RunActivities } from "./activity-set.ts";
import { groupActivities } from "./group-activities.ts";
import { jobActivities } from "./job-activities.ts";

export function runActivities(services: RunServices): RunActivities {
  return { ...jobActivities(services), ...groupActivities(services) };
}
