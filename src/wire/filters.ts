import type { WorkFilters } from "../model/work-item.ts";
import type { WorkItemFilters } from "./generated/durable_task_pb.ts";

/** A message of filters with an empty list for a sort of work means none of that sort; no message means everything. */
export function filtersFromWire(filters: WorkItemFilters | undefined): WorkFilters | undefined {
  if (filters === undefined) return undefined;
  const { orchestrations, activities, entities } = filters;
  return {
    orchestrations: orchestrations.map(({ name, versions }) => ({ name, versions })),
    activities: activities.map(({ name, versions }) => ({ name, versions })),
    entities: entities.map(({ name }) => ({ name: name.toLowerCase() })),
  };
}

/** All lists or none: the wire cannot say "everything" of one sort alone. */
export function filtersToWire(filters: Required<WorkFilters> | undefined): WorkItemFilters | undefined {
  if (filters === undefined) return undefined;
  const { orchestrations, activities, entities } = filters;
  return {
    $typeName: "WorkItemFilters",
    orchestrations: orchestrations.map(({ name, versions = [] }) => ({ $typeName: "OrchestrationFilter", name, versions: [...versions] })),
    activities: activities.map(({ name, versions = [] }) => ({ $typeName: "ActivityFilter", name, versions: [...versions] })),
    entities: entities.map(({ name }) => ({ $typeName: "EntityFilter", name: name.toLowerCase() })),
  };
}
