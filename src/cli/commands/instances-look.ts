// `instances list`, `show` and `history`.

import type { InstanceState } from "../../loops/engine.ts";
import { SignalboxError } from "../../model/errors.ts";
import { present } from "../../model/present.ts";
import type { OrchestrationStatus } from "../../model/status.ts";
import type { CommandContext } from "../command-context.ts";
import { EXIT } from "../exit-codes.ts";
import { type Moment, type PlaceOptions, timeOf } from "../instances/instance-options.ts";
import { openForLooking } from "../instances/open-place.ts";
import { eventText, instanceTable, instanceText } from "../instances/render-instances.ts";
import type { InstanceReader } from "../instances/store-reader.ts";
import { styleFor } from "../render/style.ts";

export interface ListInstancesOptions extends PlaceOptions {
  readonly status?: readonly OrchestrationStatus[];
  readonly stalled?: boolean;
  readonly prefix?: string;
  readonly name?: string;
  readonly since?: Moment;
  readonly until?: Moment;
  readonly limit: number;
  readonly after?: string;
  readonly json?: boolean;
  readonly quiet?: boolean;
}

export async function listInstances(options: ListInstancesOptions, context: CommandContext): Promise<number> {
  const { terminal } = context;
  await using place = await openForLooking(options, context);
  const { instances, next } = await find(place, options, context.now());
  if (options.json) {
    terminal.write(`${JSON.stringify({ schemaVersion: 1, instances, next: next ?? null }, null, 2)}\n`);
    return EXIT.success;
  }
  if (options.quiet) terminal.write(instances.map(({ instanceId }) => `${instanceId}\n`).join(""));
  else if (instances.length > 0) terminal.write(`${instanceTable(instances, context)}\n`);
  else terminal.writeError(`No such instances in the hub "${options.hub}".\n`);
  if (next !== undefined) terminal.writeError(`There are more: --after ${next} shows them, --limit N more at once.\n`);
  return EXIT.success;
}

/** As many as asked for: a page may have fewer, and a standstill is sifted out here. */
async function find(place: InstanceReader, options: ListInstancesOptions, now: number) {
  const { status, prefix, name, since, until, limit } = options;
  const createdFrom = since === undefined ? undefined : timeOf(since, now);
  const createdTo = until === undefined ? undefined : timeOf(until, now);
  const filter = present({ status, idPrefix: prefix, name, createdFrom, createdTo });
  const instances: InstanceState[] = [];
  for (let { after } = options; ; ) {
    const page = await place.query({ ...filter, limit: limit - instances.length, ...present({ after }) });
    instances.push(...page.instances.filter(({ stalled }) => options.stalled !== true || stalled !== undefined));
    after = page.next;
    if (after === undefined || instances.length >= limit) return { instances, next: after };
  }
}

export interface ShowInstanceOptions extends PlaceOptions {
  readonly json?: boolean;
}

export async function showInstance(instanceId: string, options: ShowInstanceOptions, context: CommandContext): Promise<number> {
  await using place = await openForLooking(options, context);
  const instance = await place.get(instanceId);
  if (instance === undefined) {
    const message = `There is no instance ${JSON.stringify(instanceId)} in the hub "${options.hub}". signalbox instances list shows those that are there; --hub NAME names another hub.`;
    throw new SignalboxError("NOT_FOUND", message);
  }
  context.terminal.write(
    options.json ? `${JSON.stringify({ schemaVersion: 1, ...instance }, null, 2)}\n` : `${instanceText(instance, context)}\n`,
  );
  return EXIT.success;
}

export async function showHistory(instanceId: string, options: ShowInstanceOptions, context: CommandContext): Promise<number> {
  const { terminal } = context;
  await using place = await openForLooking(options, context);
  const style = styleFor(terminal.hasColor);
  for (const [position, event] of (await place.history(instanceId)).entries()) {
    const { timestamp, ...fields } = event;
    const line = options.json
      ? JSON.stringify({ schemaVersion: 1, position, at: new Date(timestamp).toISOString(), ...fields })
      : eventText(event, position, style);
    terminal.write(`${line}\n`);
    if (terminal.isOutputGone()) break;
  }
  return EXIT.success;
}
