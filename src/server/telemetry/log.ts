// The server's log: one JSON object a line, or lines for people where somebody watches. Ids and names may be in it; payloads,
// tokens and passwords never are.

import { type Level, pino } from "pino";
import { SignalboxError } from "../../model/errors.ts";
import type { GrpcLog } from "../grpc/options.ts";

export const LOG_LEVELS = ["debug", "info", "warn", "error", "silent"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export interface ServerLog extends GrpcLog {
  /** Of calls: their fields are made only where somebody reads them. */
  readonly isDebugging: boolean;
  debug(fields: object, message: string): void;
}

export interface LogOptions {
  readonly level: LogLevel;
  /** For people instead of for programs. */
  readonly isPretty: boolean;
  /** Takes whole lines. */
  readonly write: (line: string) => void;
}

export function openLog({ level, isPretty, write }: LogOptions): ServerLog {
  const log = pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { err: describeError },
    },
    { write: isPretty ? (line) => write(prettyLine(line)) : write },
  );
  const at =
    (name: Exclude<Level, "trace" | "fatal">) =>
    (fields: object, message: string): void =>
      log[name](fields, message);
  return { isDebugging: log.isLevelEnabled("debug"), debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
}

/** Other fields of an error may be anything, payloads included. */
function describeError(error: unknown): object {
  if (!(error instanceof Error)) return { message: String(error) };
  const { name, message, stack, cause } = error;
  return {
    type: name,
    ...(error instanceof SignalboxError && { code: error.code }),
    message,
    stack,
    ...(cause instanceof Error && { cause: cause.message }),
  };
}

/** `10:31:07.123 warn  an instance stands still  hub=default instanceId=a` */
function prettyLine(line: string): string {
  const { level, time, msg, err, ...fields } = JSON.parse(line) as {
    readonly level: string;
    readonly time: string;
    readonly msg: string;
    readonly err?: { readonly message: string };
  };
  const more = Object.entries(fields).map(([name, value]) => `${name}=${typeof value === "string" ? value : JSON.stringify(value)}`);
  const why = err === undefined ? "" : `: ${err.message}`;
  const text = `${time.slice(11, 23)} ${level.padEnd(5)} ${msg}${why}${more.length === 0 ? "" : `  ${more.join(" ")}`}`;
  // oxlint-disable-next-line no-control-regex -- names come from anywhere, and must not move the cursor
  return `${text.replace(/[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g, " ")}\n`;
}
