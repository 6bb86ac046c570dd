// Values of the in-process runtime are JSON; to the engine they are opaque text.

import { SignalboxError } from "../model/errors.ts";
import type { Payload } from "../model/payload.ts";
import { utf8Length } from "../model/utf8-length.ts";
import type { Value } from "./context.ts";

/** Absent for undefined. Throws LIMIT_EXCEEDED over the limit, INVALID_ARGUMENT for what JSON cannot hold. */
export function encodeValue(value: unknown, what: string, maxLength: number): Payload | undefined {
  if (value === undefined) return undefined;
  let text: string | undefined;
  try {
    text = JSON.stringify(value);
  } catch (cause) {
    throw new SignalboxError(
      "INVALID_ARGUMENT",
      `${what} cannot be written as JSON: ${cause instanceof Error ? cause.message : String(cause)}.`,
      {
        cause,
      },
    );
  }
  if (text === undefined) throw new SignalboxError("INVALID_ARGUMENT", `${what} is a ${typeof value}, which JSON cannot hold.`);
  // No unit of a string takes more than three bytes: nearly every text is let through without being walked.
  if (text.length * 3 <= maxLength) return text;
  const bytes = utf8Length(text);
  if (bytes <= maxLength) return text;
  const advice = "Store it elsewhere and pass a reference.";
  throw new SignalboxError("LIMIT_EXCEEDED", `${what} has ${bytes} bytes as JSON; at most ${maxLength} are allowed. ${advice}`);
}

export function decodeValue(payload: Payload | undefined): Value {
  return payload === undefined ? undefined : (JSON.parse(payload) as Value);
}
