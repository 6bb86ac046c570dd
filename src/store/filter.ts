// Which instances a query means, decided on rows; SQL only narrows what comes here. And where its pages begin.

import { isEntityId } from "../model/entity.ts";
import { SignalboxError } from "../model/errors.ts";
import type { Tags } from "../model/events.ts";
import type { EncodedInstance } from "./encoding/rows.ts";
import type { InstanceFilter, Page } from "./store.ts";

export function matchesFilter(row: EncodedInstance, filter: InstanceFilter): boolean {
  return (
    row.hub === filter.hub &&
    isEntityId(row.instanceId) === (filter.sort === "entities") &&
    (filter.withStateOnly !== true || row.hasEntityState) &&
    (filter.status === undefined || filter.status.some((status) => status === row.status)) &&
    isWithin(row.createdAt, filter.createdFrom, filter.createdTo) &&
    isWithin(row.updatedAt, filter.updatedFrom, filter.updatedTo) &&
    isWithin(row.completedAt, filter.completedFrom, filter.completedTo) &&
    (filter.idPrefix === undefined || row.instanceId.startsWith(filter.idPrefix)) &&
    (filter.name === undefined || row.name === filter.name) &&
    hasTags(row.tags, filter.tags)
  );
}

/** The ref behind which a page begins. Tokens come back from callers, who may have made them up. */
export function pageStart({ after = "0" }: Page): number {
  if (/^\d{1,15}$/.test(after)) return Number(after);
  const shown = JSON.stringify(after.slice(0, 40));
  throw new SignalboxError("INVALID_ARGUMENT", `${shown} is no page of a query: pass the token that the page before came with, unchanged.`);
}

/** Bounds are inclusive; without a moment only an unbounded query matches. */
function isWithin(moment: number | null, from: number | undefined, to: number | undefined): boolean {
  if (from === undefined && to === undefined) return true;
  return moment !== null && (from === undefined || moment >= from) && (to === undefined || moment <= to);
}

function hasTags(json: string | null, wanted: Tags | undefined): boolean {
  if (wanted === undefined) return true;
  const tags = new Map(Object.entries(json === null ? {} : JSON.parse(json)));
  return Object.entries(wanted).every(([name, value]) => tags.get(name) === value);
}

/** The length that counts against the bound of a page. */
export function rowLength(row: EncodedInstance): number {
  return (
    (row.input?.length ?? 0) +
    (row.output?.length ?? 0) +
    (row.failure?.length ?? 0) +
    (row.customStatus?.length ?? 0) +
    (row.entityState?.length ?? 0)
  );
}
