import { TERMINAL_STATUSES } from "../engine/start-child.ts";
import { SignalboxError } from "../model/errors.ts";
import type { ExecutionStarted } from "../model/events.ts";
import { asExecutionId, type InstanceKey } from "../model/ids.ts";
import type { StartPart } from "../model/parts.ts";
import { present } from "../model/present.ts";
import { isTerminal } from "../model/status.ts";
import type { EngineEnvironment } from "./environment.ts";
import type { StartRequest } from "./hub.ts";

/** A client's wish to start an instance, as the part of a commit that grants or refuses it. */
export function startPart(key: InstanceKey, request: StartRequest, { ids, clock }: Pick<EngineEnvironment, "ids" | "clock">): StartPart {
  const { name, version, input, tags, scheduledStartAt, traceContext, replaceable = TERMINAL_STATUSES } = request;
  const active = replaceable.filter((status) => !isTerminal(status));
  // An active instance is terminated before it is replaced: who wants the one has to say the other.
  if (active.length > 0 && !replaceable.includes("Terminated")) {
    const message = `Invalid reusable statuses: ${active.join(", ")} without Terminated. An active instance is terminated before it is replaced: add Terminated, or name only statuses of ended instances.`;
    throw new SignalboxError("INVALID_ARGUMENT", message);
  }
  const now = clock.now();
  const started: ExecutionStarted = {
    kind: "ExecutionStarted",
    eventId: -1,
    timestamp: now,
    name,
    instanceId: key.instanceId,
    executionId: request.executionId ?? asExecutionId(ids.uuid()),
    ...present({ version, input, tags, scheduledStartAt, traceContext }),
  };
  return { kind: "start", key, started, createdAt: now, replaceable };
}
