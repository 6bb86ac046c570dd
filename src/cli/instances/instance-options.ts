// Where the instances are that a command is about, and how their server is spoken to.

import { InvalidArgumentError } from "commander";
import { ORCHESTRATION_STATUSES, type OrchestrationStatus } from "../../model/status.ts";
import { durationMs } from "../options/parsers.ts";

export interface PlaceOptions {
  readonly server?: string;
  readonly store?: string;
  readonly hub: string;
  readonly tokenFile?: string;
  /** With the authorities that this machine trusts. */
  readonly tls?: boolean;
  readonly tlsCa?: string;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
}

export const DEFAULT_SERVER = "127.0.0.1:4001";

/** A duration before now, or a time. */
export type Moment = { readonly agoMs: number } | { readonly at: number };

export function moment(text: string): Moment {
  const at = /^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(text) : Number.NaN;
  if (!Number.isNaN(at)) return { at };
  try {
    return { agoMs: durationMs(text) };
  } catch {
    throw new InvalidArgumentError("It must be a time before now, such as 90s, 30m, 12h or 7d, or a time such as 2026-11-21T10:00Z.");
  }
}

export function timeOf(moment: Moment, now: number): Date {
  return new Date("at" in moment ? moment.at : now - moment.agoMs);
}

/** `--status failed`, repeated. */
export function statusValue(text: string, before: readonly OrchestrationStatus[] = []): readonly OrchestrationStatus[] {
  const status = ORCHESTRATION_STATUSES.find((known) => known.toLowerCase() === text.toLowerCase());
  if (status === undefined) throw new InvalidArgumentError(`It must be one of ${ORCHESTRATION_STATUSES.join(", ").toLowerCase()}.`);
  return [...before, status];
}
