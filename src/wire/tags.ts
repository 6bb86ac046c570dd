// Tags, and what of ours travels in them for want of a field: the options of an activity, the number of its attempt, and why an
// instance stands still.
// Names with the prefix "signalbox." are reserved; they are put in and taken out here, so that neither history nor
// programs see them among the tags.

import type { ActivityOptions, RetryPolicy } from "../model/activity-options.ts";
import { SignalboxError } from "../model/errors.ts";
import type { Tags } from "../model/events.ts";
import { present } from "../model/present.ts";

const OPTIONS_TAG = "signalbox.options";
const ATTEMPT_TAG = "signalbox.attempt";
const RETRY_OF_TAG = "signalbox.retryOf";

const STALLED_TAG = "signalbox.stalled";

type WireTags = { [name: string]: string };

interface StalledTags {
  readonly tags?: Tags;
  readonly stalled?: string;
}

interface TaskTags {
  readonly tags?: Tags;
  readonly options?: ActivityOptions;
  readonly attempt?: number;
  /** The id of the first attempt, where the orchestrator itself tries again. */
  readonly retryOf?: number;
}

/** An absent map and an empty one are the same on the wire. */
export function tagsToWire(tags: Tags | undefined): WireTags {
  return tags ?? {};
}

export function tagsFromWire(tags: WireTags): Tags | undefined {
  // oxlint-disable-next-line no-unreachable-loop
  for (const _ in tags) return tags;
  return undefined;
}

/** Why an instance stands still has no field of its own either. */
export function instanceTagsToWire({ tags, stalled }: StalledTags): WireTags {
  return stalled === undefined ? tagsToWire(tags) : { ...tags, [STALLED_TAG]: stalled };
}

export function instanceTagsFromWire(wire: WireTags): StalledTags {
  const { [STALLED_TAG]: stalled, ...tags } = wire;
  return stalled === undefined ? present({ tags: tagsFromWire(wire) }) : { stalled, ...present({ tags: tagsFromWire(tags) }) };
}

export function taskTagsToWire({ tags, options, attempt, retryOf }: TaskTags): WireTags {
  if (options === undefined && attempt === undefined) return tagsToWire(tags);
  return {
    ...tags,
    ...present({
      [OPTIONS_TAG]: options === undefined ? undefined : JSON.stringify(options),
      [ATTEMPT_TAG]: attempt === undefined ? undefined : String(attempt),
      [RETRY_OF_TAG]: retryOf === undefined ? undefined : String(retryOf),
    }),
  };
}

export function taskTagsFromWire(wire: WireTags): TaskTags {
  const options = wire[OPTIONS_TAG];
  const attempt = wire[ATTEMPT_TAG];
  if (options === undefined && attempt === undefined) return present({ tags: tagsFromWire(wire) });
  const retryOf = wire[RETRY_OF_TAG];
  const own = new Set([OPTIONS_TAG, ATTEMPT_TAG, RETRY_OF_TAG]);
  const others = Object.fromEntries(Object.entries(wire).filter(([name]) => !own.has(name)));
  return present({
    tags: tagsFromWire(others),
    options: options === undefined ? undefined : parseOptions(options),
    attempt: attempt === undefined ? undefined : Number(attempt),
    retryOf: retryOf === undefined ? undefined : Number(retryOf),
  });
}

function parseOptions(text: string): ActivityOptions {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw refused("is not JSON");
  }
  const { retry, startToCloseMs, scheduleToCloseMs } = record(value);
  return present({
    retry: retry === undefined ? undefined : parseRetry(record(retry)),
    startToCloseMs: optionalNumber("startToCloseMs", startToCloseMs),
    scheduleToCloseMs: optionalNumber("scheduleToCloseMs", scheduleToCloseMs),
  });
}

function parseRetry({ maxAttempts, firstDelayMs, backoff, maxDelayMs }: Record<string, unknown>): RetryPolicy {
  return {
    maxAttempts: optionalNumber("maxAttempts", maxAttempts) ?? 1,
    firstDelayMs: optionalNumber("firstDelayMs", firstDelayMs) ?? 0,
    ...present({ backoff: optionalNumber("backoff", backoff), maxDelayMs: optionalNumber("maxDelayMs", maxDelayMs) }),
  };
}

function optionalNumber(name: string, value: unknown): number | undefined {
  if (value === undefined || (typeof value === "number" && value >= 0)) return value;
  throw refused(`has a ${name} that is not a number of at least 0`);
}

function record(value: unknown): Record<string, unknown> {
  if (typeof value !== "object" || value === null) throw refused("is not a JSON object");
  return value as Record<string, unknown>;
}

function refused(why: string): SignalboxError {
  return new SignalboxError("INVALID_ARGUMENT", `The tag ${OPTIONS_TAG}, which is reserved for the options of an activity, ${why}.`);
}
