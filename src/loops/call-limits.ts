// What a caller may say: ids and names of a bounded length, payloads under the limit. Checked before anything is kept.

import { isEntityId } from "../model/entity.ts";
import { SignalboxError } from "../model/errors.ts";
import { asInstanceId, type InstanceId } from "../model/ids.ts";
import type { Payload } from "../model/payload.ts";
import { utf8Length } from "../model/utf8-length.ts";
import type { EngineLimits } from "./environment.ts";

type CallLimits = Pick<EngineLimits, "maxNameLength" | "maxPayloadLength">;

/** How much of a refused text an error shows. */
const SHOWN = 60;

export function checkName<Text extends string | undefined>(text: Text, what: string, { maxNameLength }: CallLimits): Text {
  if (text === undefined || text.length <= maxNameLength) return text;
  const message = `${what} has ${text.length} UTF-16 units; at most ${maxNameLength} are allowed. It begins with ${JSON.stringify(text.slice(0, SHOWN))}.`;
  throw new SignalboxError("INVALID_ARGUMENT", message);
}

/** The id of an orchestration; entities have ids of their own form. */
export function checkInstanceId(text: string, limits: CallLimits): InstanceId {
  checkName(text, "The instance id", limits);
  if (!isEntityId(text)) return asInstanceId(text);
  const message = `The instance id ${JSON.stringify(text)} begins with "@", as ids of entities do. Choose another one.`;
  throw new SignalboxError("INVALID_ARGUMENT", message);
}

export function checkPayload(payload: Payload | undefined, what: string, { maxPayloadLength }: CallLimits): void {
  // No unit of a string takes more than three bytes: nearly every payload is let through without being walked.
  if (payload === undefined || payload.length * 3 <= maxPayloadLength) return;
  const bytes = utf8Length(payload);
  if (bytes <= maxPayloadLength) return;
  const advice = "Store it elsewhere and pass a reference.";
  throw new SignalboxError("LIMIT_EXCEEDED", `${what} has ${bytes} bytes; at most ${maxPayloadLength} are allowed. ${advice}`);
}
