import type { StreamedEvent } from "../../model/run-view.ts";

/** One line of NDJSON; what every line has stands first. */
export function eventJson(event: StreamedEvent): string {
  const { schemaVersion, seq, at, type, ...rest } = event;
  return `${JSON.stringify({ schemaVersion, seq, at, type, ...rest })}\n`;
}
