import { SignalboxError } from "../../model/errors.ts";
import type { WorkFilters } from "../../model/work-item.ts";
import type { AnyEntity } from "../../runtime/entity.ts";
import type { AnyOrchestrator } from "../../runtime/live-orchestration.ts";
import type { AnyActivity } from "../../runtime/run-activity.ts";

/** What a worker asks for: what it has definitions for, and nothing else. */
export function workFilters(
  orchestrators: readonly AnyOrchestrator[],
  activities: readonly AnyActivity[],
  entities: readonly AnyEntity[],
): Required<WorkFilters> {
  const versions = new Map<string, (string | undefined)[]>();
  for (const { name, version } of orchestrators) versions.set(name, [...(versions.get(name) ?? []), version]);
  return {
    orchestrations: [...versions].map(([name, own]) => {
      const known = own.filter((version) => version !== undefined);
      // The one without a version serves all.
      return known.length < own.length ? { name } : { name, versions: known };
    }),
    activities: onceNamed("Activity", activities),
    entities: onceNamed("Entity", entities),
  };
}

function onceNamed(what: string, definitions: readonly { readonly name: string }[]): readonly { readonly name: string }[] {
  const names = new Set<string>();
  for (const { name } of definitions) {
    if (names.has(name)) throw new SignalboxError("INVALID_ARGUMENT", `${what} ${JSON.stringify(name)} is defined twice.`);
    names.add(name);
  }
  return [...names].map((name) => ({ name }));
}
