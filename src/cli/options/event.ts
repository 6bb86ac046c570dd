// Which event a run is started with, and what it carries. Without a word from the person: push if the file lists it,
// else the first that can start a run, and its filters are not looked at.

import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import type { GitFacts } from "../../host/workspace/git-facts.ts";
import { SignalboxError } from "../../model/errors.ts";
import type { JsonValue } from "../../model/payload.ts";
import type { WorkflowPlan } from "../../model/plan.ts";
import { resolveInputs } from "../../workflow/actions/inputs.ts";
import { defaultEvent, matchEvent } from "../../workflow/actions/select-event.ts";
import { plainText } from "../render/safe-text.ts";
import { systemReason } from "../system-reason.ts";

type JsonObject = { readonly [name: string]: JsonValue };

export interface EventOptions {
  readonly event?: string;
  readonly eventFile?: string;
  readonly input?: { readonly [name: string]: string };
}

export interface ChosenEvent {
  readonly event: string;
  /** What the person gave; what git knows of the event is put under it when the run is recorded. */
  readonly payload: JsonObject;
  /** Of workflow_dispatch: typed, with defaults. */
  readonly inputs: JsonObject;
}

export async function chooseEvent(
  plan: WorkflowPlan,
  options: EventOptions,
  facts: GitFacts,
  workingDirectory: string,
): Promise<ChosenEvent> {
  const event = options.event ?? defaultEvent(plan);
  if (event === undefined) {
    throw refused(
      `${plan.file} runs only when another workflow calls it: it lists no other event under 'on'. Run the workflow that calls it.`,
    );
  }
  const given = options.eventFile === undefined ? undefined : await readPayload(resolve(workingDirectory, options.eventFile));
  const inputs = readInputs(plan, event, options.input ?? {}, given);
  const payload = given ?? {};
  if (isAskedFor(options)) refuseFiltered(plan, event, payload, facts);
  return { event, payload, inputs };
}

export function isAskedFor(options: EventOptions): boolean {
  return options.event !== undefined || options.eventFile !== undefined;
}

function readInputs(
  plan: WorkflowPlan,
  event: string,
  given: { readonly [name: string]: string },
  payload: JsonObject | undefined,
): JsonObject {
  const trigger = plan.triggers.find((candidate) => candidate.event === event);
  if (event !== "workflow_dispatch") {
    const [name] = Object.keys(given);
    if (name === undefined) return {};
    throw refused(
      `--input ${name}: only workflow_dispatch has inputs, and this run is started by ${event}. Give --event workflow_dispatch.`,
    );
  }
  const ofPayload = payload?.["inputs"];
  const known = isObject(ofPayload) ? { ...ofPayload, ...given } : given;
  return resolveInputs(trigger?.inputs ?? [], known, { contexts: {} });
}

/** A run that GitHub would not have started is not started here either once the person asks for the event. */
function refuseFiltered(plan: WorkflowPlan, event: string, payload: JsonObject, facts: GitFacts): void {
  const ref = payloadRef(payload) ?? (facts.ref.startsWith("refs/") ? facts.ref : undefined);
  const paths = changedPaths(payload);
  const action = payload["action"];
  const match = matchEvent(plan, event, {
    ...(ref === undefined ? {} : { ref }),
    ...(paths === undefined ? {} : { paths }),
    ...(typeof action === "string" ? { action } : {}),
  });
  if (match.runs) return;
  throw refused(
    `${plan.file}: nothing is run for this event. ${match.reason} Without --event and --event-file the filters are not looked at.`,
  );
}

/** Of a pull request its base. */
function payloadRef(payload: JsonObject): string | undefined {
  const base = property(property(payload["pull_request"], "base"), "ref");
  if (typeof base === "string") return `refs/heads/${base}`;
  return typeof payload["ref"] === "string" ? payload["ref"] : undefined;
}

/** What the commits of a push say that they changed; unknown where no commit says anything. */
function changedPaths(payload: JsonObject): readonly string[] | undefined {
  const commits = payload["commits"];
  if (!Array.isArray(commits) || commits.length === 0) return undefined;
  return commits.flatMap((commit: JsonValue) =>
    ["added", "modified", "removed"].flatMap((list) => {
      const paths = property(commit, list);
      return Array.isArray(paths) ? paths.filter((path): path is string => typeof path === "string") : [];
    }),
  );
}

function property(value: JsonValue | undefined, name: string): JsonValue | undefined {
  return isObject(value) ? value[name] : undefined;
}

function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

async function readPayload(path: string): Promise<JsonObject> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    throw refused(`--event-file: cannot read ${path}: ${systemReason(error)}.`, error);
  }
  let payload: JsonValue;
  try {
    payload = JSON.parse(text);
  } catch (error) {
    throw refused(`--event-file: ${path} is not JSON: ${plainText(systemReason(error))}.`, error);
  }
  if (isObject(payload)) return payload;
  throw refused(`--event-file: ${path} must hold a JSON object, as GitHub sends it for the event.`);
}

function refused(message: string, cause?: unknown): SignalboxError {
  return new SignalboxError("INVALID_ARGUMENT", message, cause === undefined ? {} : { cause });
}
