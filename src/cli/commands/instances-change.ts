// `instances raise`, `suspend`, `resume`, `terminate`, `rewind`, `restart` and `purge`.

import type { HubClient } from "../../loops/engine.ts";
import { SignalboxError } from "../../model/errors.ts";
import type { JsonValue } from "../../model/payload.ts";
import { present } from "../../model/present.ts";
import type { OrchestrationStatus } from "../../model/status.ts";
import type { CommandContext } from "../command-context.ts";
import { EXIT } from "../exit-codes.ts";
import { type Moment, type PlaceOptions, timeOf } from "../instances/instance-options.ts";
import { openForChanging } from "../instances/open-place.ts";
import { plainText } from "../render/safe-text.ts";

type Ids = readonly string[];

export interface ReasonOptions extends PlaceOptions {
  readonly reason?: string;
}

export function suspendInstances(ids: Ids, options: ReasonOptions, context: CommandContext): Promise<number> {
  return each(ids, options, context, "Suspended", (hub, id) => hub.suspend(id, options.reason));
}

export function resumeInstances(ids: Ids, options: ReasonOptions, context: CommandContext): Promise<number> {
  return each(ids, options, context, "Resumed", (hub, id) => hub.resume(id, options.reason));
}

export function rewindInstances(ids: Ids, options: ReasonOptions, context: CommandContext): Promise<number> {
  return each(ids, options, context, "Rewound", (hub, id) => hub.rewind(id, options.reason));
}

export interface TerminateOptions extends PlaceOptions {
  readonly output?: string;
  /** False: children live on. */
  readonly recurse: boolean;
}

export function terminateInstances(ids: Ids, options: TerminateOptions, context: CommandContext): Promise<number> {
  const output = jsonOf("--output", options.output);
  return each(ids, options, context, "Terminated", (hub, id) => hub.terminate(id, { recurse: options.recurse, ...present({ output }) }));
}

export interface RestartOptions extends PlaceOptions {
  readonly newId?: boolean;
}

export function restartInstances(ids: Ids, options: RestartOptions, context: CommandContext): Promise<number> {
  return each(ids, options, context, "Restarted", async (hub, id) => {
    const started = await hub.restart(id, { withNewId: options.newId ?? false });
    return started === id ? undefined : ` as ${started}`;
  });
}

export interface RaiseOptions extends PlaceOptions {
  readonly data?: string;
}

export function raiseEvent(instanceId: string, event: string, options: RaiseOptions, context: CommandContext): Promise<number> {
  const data = jsonOf("--data", options.data);
  return each([instanceId], options, context, `Raised ${plainText(event)} for`, (hub, id) => hub.raiseEvent(id, event, data));
}

export interface PurgeOptions extends PlaceOptions {
  readonly status?: readonly OrchestrationStatus[];
  readonly createdBefore?: Moment;
  readonly recurse?: boolean;
}

export async function purgeInstances(ids: Ids, options: PurgeOptions, context: CommandContext): Promise<number> {
  const { status, createdBefore, recurse = false } = options;
  const hasFilter = status !== undefined || createdBefore !== undefined;
  if (ids.length > 0 === hasFilter) {
    const message =
      "Say what to purge: ids of ended instances, or --status and --created-before, which mean every ended instance that fits.";
    throw new SignalboxError("INVALID_ARGUMENT", message);
  }
  await using hub = await openForChanging(options, context);
  let count = 0;
  for (const id of ids) count += await hub.purge(id, { recurse });
  const createdTo = createdBefore === undefined ? undefined : timeOf(createdBefore, context.now());
  if (hasFilter) count = await hub.purge(present({ status, createdTo }), { recurse });
  context.terminal.write(`Purged ${count} ${count === 1 ? "instance" : "instances"}.\n`);
  return EXIT.success;
}

/** One after the other; the first that is refused ends the command, and those before it are said. */
async function each(
  ids: Ids,
  options: PlaceOptions,
  context: CommandContext,
  done: string,
  change: (hub: HubClient, instanceId: string) => Promise<string | undefined | void>,
): Promise<number> {
  await using hub = await openForChanging(options, context);
  for (const id of ids) {
    const more = (await change(hub, id)) ?? "";
    context.terminal.write(`${done} ${plainText(id)}${plainText(more)}.\n`);
  }
  return EXIT.success;
}

function jsonOf(option: string, text: string | undefined): JsonValue | undefined {
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text) as JsonValue; // JSON has no other values.
  } catch {
    throw new SignalboxError("INVALID_ARGUMENT", `${option} is no JSON. A text is JSON in quotes: ${option} '"yes"'.`);
  }
}
