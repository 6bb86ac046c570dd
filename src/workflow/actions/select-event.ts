// Which event a run is for, and whether a trigger's filters let it through.

import type { Trigger, WorkflowPlan } from "../../model/plan.ts";
import { matchesFilter } from "./filter-pattern.ts";

/** `push` if the file lists it, else the first event that can start a run by itself; undefined for one that is only called. */
export function defaultEvent(plan: WorkflowPlan): string | undefined {
  const events = plan.triggers.map(({ event }) => event);
  return events.includes("push") ? "push" : events.find((event) => event !== "workflow_call");
}

/** Whether `run` without `--event` passes over filters, which it says in one line. */
export function hasFilters(plan: WorkflowPlan, event: string): boolean {
  const trigger = plan.triggers.find((candidate) => candidate.event === event);
  return trigger !== undefined && FILTERS.some((filter) => trigger[filter] !== undefined);
}

const FILTERS = ["types", "branches", "branchesIgnore", "tags", "tagsIgnore", "paths", "pathsIgnore"] as const;

export interface EventFacts {
  /** `refs/heads/main` or `refs/tags/v1`; of a pull request its base. Unknown: the filters on it pass. */
  readonly ref?: string;
  /** What changed. Unknown: the filters on paths pass. */
  readonly paths?: readonly string[];
  /** The payload's `action`. */
  readonly action?: string;
}

export type EventMatch = { readonly runs: true } | { readonly runs: false; readonly reason: string };

/** GitHub's own for events whose `types` the file leaves out; others run for every type. */
const DEFAULT_TYPES: { readonly [event: string]: readonly string[] } = {
  pull_request: ["opened", "synchronize", "reopened"],
  pull_request_target: ["opened", "synchronize", "reopened"],
};

export function matchEvent(plan: WorkflowPlan, event: string, facts: EventFacts): EventMatch {
  const trigger = plan.triggers.find((candidate) => candidate.event === event);
  if (trigger === undefined) {
    const listed = plan.triggers.map((candidate) => candidate.event).join(", ");
    return no(`The workflow does not run on '${event}'. It lists: ${listed}.`);
  }
  return typeMismatch(trigger, facts) ?? refMismatch(trigger, facts) ?? pathMismatch(trigger, facts) ?? { runs: true };
}

function typeMismatch(trigger: Trigger, { action }: EventFacts): EventMatch | undefined {
  const types = trigger.types ?? DEFAULT_TYPES[trigger.event];
  if (types === undefined || action === undefined || types.includes(action)) return undefined;
  return no(`The workflow runs on '${trigger.event}' of types ${types.join(", ")}, not '${action}'.`);
}

function refMismatch(trigger: Trigger, { ref }: EventFacts): EventMatch | undefined {
  if (ref === undefined) return undefined;
  const branches = { only: trigger.branches, ignored: trigger.branchesIgnore };
  const tags = { only: trigger.tags, ignored: trigger.tagsIgnore };
  const isTag = ref.startsWith("refs/tags/");
  const name = ref.replace(/^refs\/(heads|tags)\//, "");
  const [own, other] = isTag ? [tags, branches] : [branches, tags];
  const kind = isTag ? "tag" : "branch";
  if (own.only === undefined && own.ignored === undefined) {
    // Filters on branches alone mean that tags do not run, and the other way round.
    const isOther = other.only !== undefined || other.ignored !== undefined;
    return isOther ? no(`The workflow's filters name ${isTag ? "branches" : "tags"} only; '${name}' is a ${kind}.`) : undefined;
  }
  const passes = own.only === undefined ? !matchesFilter(own.ignored ?? [], name) : matchesFilter(own.only, name);
  return passes ? undefined : no(`The ${kind} '${name}' does not pass the workflow's ${kind} filters.`);
}

function pathMismatch(trigger: Trigger, { paths, ref }: EventFacts): EventMatch | undefined {
  if (paths === undefined || ref?.startsWith("refs/tags/")) return undefined; // Not looked at for tags.
  const { paths: only, pathsIgnore: ignored } = trigger;
  const passes =
    only !== undefined
      ? paths.some((path) => matchesFilter(only, path))
      : ignored === undefined || paths.some((path) => !matchesFilter(ignored, path));
  return passes ? undefined : no("No changed file passes the workflow's path filters.");
}

function no(reason: string): EventMatch {
  return { runs: false, reason };
}
