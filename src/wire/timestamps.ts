// Moments on the wire have nanoseconds, ours have milliseconds. A moment between two of ours is the later one, so that
// nothing is due early.

import type { Timestamp } from "@bufbuild/protobuf/wkt";
import { SignalboxError } from "../model/errors.ts";

/** The years 1 to 9999: what a Timestamp can say, in milliseconds since the epoch. */
const FIRST_MS = -62_135_596_800_000;
const LAST_MS = 253_402_300_799_999;

export function timestampToWire(ms: number): Timestamp {
  if (!(ms >= FIRST_MS && ms <= LAST_MS)) throw outOfRange(`${ms} ms since the epoch`);
  const seconds = Math.floor(ms / 1000);
  return { $typeName: "google.protobuf.Timestamp", seconds: BigInt(seconds), nanos: Math.round((ms - seconds * 1000) * 1e6) };
}

export function timestampFromWire({ seconds, nanos }: Timestamp): number {
  const ms = Number(seconds) * 1000 + Math.ceil(nanos / 1e6);
  if (!(nanos >= 0 && nanos < 1e9 && ms >= FIRST_MS && ms <= LAST_MS + 1)) throw outOfRange(`${seconds} s and ${nanos} ns`);
  return ms;
}

export function optionalTimestampToWire(ms: number | undefined): Timestamp | undefined {
  return ms === undefined ? undefined : timestampToWire(ms);
}

export function optionalTimestampFromWire(timestamp: Timestamp | undefined): number | undefined {
  return timestamp === undefined ? undefined : timestampFromWire(timestamp);
}

/** A moment before which something must not happen. Clients send the epoch, or the year 1, where they mean "now": absent. */
export function notBeforeFromWire(timestamp: Timestamp | undefined): number | undefined {
  if (timestamp === undefined || timestamp.seconds < 0n || (timestamp.seconds === 0n && timestamp.nanos === 0)) return undefined;
  return timestampFromWire(timestamp);
}

function outOfRange(what: string): SignalboxError {
  return new SignalboxError("INVALID_ARGUMENT", `The timestamp of ${what} is not between the years 1 and 9999.`);
}
