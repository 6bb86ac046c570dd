import { present } from "../engine/present.ts";
import { TERMINAL_STATUSES } from "../engine/start-child.ts";
import { SignalboxError } from "../model/errors.ts";
import type { ExecutionStarted } from "../model/events.ts";
import { asExecutionId, type InstanceKey } from "../model/ids.ts";
import type { StartPart } from "../model/parts.ts";
import type { Payload } from "../model/payload.ts";
import { isTerminal } from "../model/status.ts";
import type { Orchestrator } from "../runtime/context.ts";
import type { StartOptions } from "./engine.ts";
import type { EngineEnvironment } from "./environment.ts";

/** A client's wish to start an instance, as the part of a commit that grants or refuses it. */
export function startPart<Input>(
  key: InstanceKey,
  orchestrator: Orchestrator<Input, unknown> | string,
  input: Payload | undefined,
  options: StartOptions,
  { ids, clock }: EngineEnvironment,
): StartPart {
  const name = typeof orchestrator === "string" ? orchestrator : orchestrator.name;
  const version = options.version ?? (typeof orchestrator === "string" ? undefined : orchestrator.version);
  const replaceable = options.replaceable ?? TERMINAL_STATUSES;
  const active = replaceable.filter((status) => !isTerminal(status));
  if (active.length > 0) {
    const message = `Invalid reusable statuses: ${active.join(", ")}. Only an ended instance is replaced; terminate an active one first.`;
    throw new SignalboxError("INVALID_ARGUMENT", message);
  }
  const now = clock.now();
  const started: ExecutionStarted = {
    kind: "ExecutionStarted",
    eventId: -1,
    timestamp: now,
    name,
    instanceId: key.instanceId,
    executionId: asExecutionId(ids.uuid()),
    ...present({ version, input, tags: options.tags, scheduledStartAt: options.scheduledStartAt?.getTime() }),
  };
  return { kind: "start", key, started, createdAt: now, replaceable };
}
