// Which event a run is started with. Without a word from the person: push if the file lists it, else the first one.

import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { SignalboxError } from "../../model/errors.ts";
import type { JsonValue } from "../../model/payload.ts";
import type { Trigger, WorkflowPlan } from "../../model/plan.ts";
import { systemReason } from "../system-reason.ts";

export interface EventOptions {
  readonly event?: string;
  readonly eventFile?: string;
}

export interface ChosenEvent {
  readonly trigger: Trigger;
  readonly payload: JsonValue;
  /** `--event` or `--event-file` was given: branch and path filters count. */
  readonly isAskedFor: boolean;
}

export async function chooseEvent(plan: WorkflowPlan, options: EventOptions, workingDirectory: string): Promise<ChosenEvent> {
  const payload = options.eventFile === undefined ? {} : await readPayload(resolve(workingDirectory, options.eventFile));
  const trigger = chooseTrigger(plan, options.event);
  return { trigger, payload, isAskedFor: options.event !== undefined || options.eventFile !== undefined };
}

function chooseTrigger(plan: WorkflowPlan, event: string | undefined): Trigger {
  const { triggers, file } = plan;
  const found =
    event === undefined
      ? (triggers.find((trigger) => trigger.event === "push") ?? triggers[0])
      : triggers.find((trigger) => trigger.event === event);
  if (found !== undefined) return found;
  const listed = triggers.map((trigger) => trigger.event).join(", ");
  throw new SignalboxError(
    "INVALID_ARGUMENT",
    event === undefined ? `${file}: it lists no event under 'on'.` : `--event ${event}: ${file} does not run on it. It runs on: ${listed}.`,
  );
}

async function readPayload(path: string): Promise<JsonValue> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    throw new SignalboxError("INVALID_ARGUMENT", `--event-file: cannot read ${path}: ${systemReason(error)}.`, { cause: error });
  }
  try {
    const payload: JsonValue = JSON.parse(text);
    if (typeof payload === "object" && payload !== null && !Array.isArray(payload)) return payload;
  } catch (error) {
    throw new SignalboxError("INVALID_ARGUMENT", `--event-file: ${path} is not JSON: ${systemReason(error)}.`, { cause: error });
  }
  throw new SignalboxError("INVALID_ARGUMENT", `--event-file: ${path} must hold a JSON object, as GitHub sends it for the event.`);
}

/** The filters that would count if the event were asked for, as words. */
export function filtersOf(trigger: Trigger): readonly string[] {
  const filters: readonly (readonly [string, readonly string[] | undefined])[] = [
    ["branches", trigger.branches],
    ["branches-ignore", trigger.branchesIgnore],
    ["tags", trigger.tags],
    ["tags-ignore", trigger.tagsIgnore],
    ["paths", trigger.paths],
    ["paths-ignore", trigger.pathsIgnore],
  ];
  return filters.filter(([, patterns]) => patterns !== undefined).map(([name]) => name);
}
