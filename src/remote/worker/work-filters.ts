import { SignalboxError } from "../../model/errors.ts";
import type { WorkFilters } from "../../model/work-item.ts";
import type { AnyOrchestrator } from "../../runtime/live-orchestration.ts";
import type { AnyActivity } from "../../runtime/run-activity.ts";

/** What a worker asks for: what it has definitions for, and nothing else. */
export function workFilters(orchestrators: readonly AnyOrchestrator[], activities: readonly AnyActivity[]): Required<WorkFilters> {
  const names = new Set<string>();
  for (const { name } of activities) {
    if (names.has(name)) throw new SignalboxError("INVALID_ARGUMENT", `Activity ${JSON.stringify(name)} is defined twice.`);
    names.add(name);
  }
  const versions = new Map<string, (string | undefined)[]>();
  for (const { name, version } of orchestrators) versions.set(name, [...(versions.get(name) ?? []), version]);
  return {
    orchestrations: [...versions].map(([name, own]) => {
      const known = own.filter((version) => version !== undefined);
      // The one without a version serves all.
      return known.length < own.length ? { name } : { name, versions: known };
    }),
    activities: [...names].map((name) => ({ name })),
    entities: [],
  };
}
