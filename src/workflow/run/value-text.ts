import type { JsonValue } from "../../model/payload.ts";

/** A value where text is wanted: null is empty, objects are JSON. */
export function valueText(value: JsonValue | undefined): string {
  if (value === null || value === undefined) return "";
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}
