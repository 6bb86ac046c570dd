import type { HistoryEvent } from "../model/events.ts";

/** About what an event costs in a store or in memory: its payloads, and a flat rate for the rest. */
export function eventBytes(event: HistoryEvent): number {
  let bytes = 64;
  if ("input" in event && event.input !== undefined) bytes += event.input.length;
  if ("result" in event && event.result !== undefined) bytes += event.result.length;
  if ("output" in event && event.output !== undefined) bytes += event.output.length;
  if ("data" in event && event.data !== undefined) bytes += event.data.length;
  if ("failure" in event && event.failure !== undefined) bytes += event.failure.message.length + (event.failure.stack?.length ?? 0);
  return bytes;
}
