// google.protobuf.Value is JSON on the wire. Decoders everywhere refuse messages that are nested deeper than about 100, so
// what we write stays well below it: what lies deeper than the bound is left out (null).

import { NullValue, type Value } from "@bufbuild/protobuf/wkt";
import type { JsonValue } from "../model/payload.ts";

const MAX_DEPTH = 16;

export type JsonObject = { readonly [key: string]: JsonValue };
type WireFields = { [key: string]: Value };

export function valueToWire(value: JsonValue, depth = MAX_DEPTH): Value {
  return { $typeName: "google.protobuf.Value", kind: kindOf(value, depth) };
}

function kindOf(value: JsonValue, depth: number): Value["kind"] {
  if (value === null || (typeof value === "object" && depth === 0)) return { case: "nullValue", value: NullValue.NULL_VALUE };
  if (typeof value === "boolean") return { case: "boolValue", value };
  if (typeof value === "string") return { case: "stringValue", value };
  // The wire's JSON has no other numbers either.
  if (typeof value === "number") {
    return Number.isFinite(value) ? { case: "numberValue", value } : { case: "nullValue", value: NullValue.NULL_VALUE };
  }
  if (isList(value)) {
    return {
      case: "listValue",
      value: { $typeName: "google.protobuf.ListValue", values: value.map((item) => valueToWire(item, depth - 1)) },
    };
  }
  return { case: "structValue", value: { $typeName: "google.protobuf.Struct", fields: fieldsToWire(value, depth - 1) } };
}

export function valueFromWire({ kind }: Value): JsonValue {
  switch (kind.case) {
    case "numberValue":
      return Number.isFinite(kind.value) ? kind.value : null;
    case "boolValue":
    case "stringValue":
      return kind.value;
    case "listValue":
      return kind.value.values.map(valueFromWire);
    case "structValue":
      return fieldsFromWire(kind.value.fields);
    case "nullValue":
    case undefined:
      return null;
    default:
      return kind satisfies never;
  }
}

/** A map of values; an absent one and an empty one are the same on the wire. */
export function fieldsToWire(fields: JsonObject | undefined, depth = MAX_DEPTH): WireFields {
  return Object.fromEntries(Object.entries(fields ?? {}).map(([key, value]) => [key, valueToWire(value, depth)]));
}

export function fieldsFromWire(fields: WireFields): JsonObject {
  return Object.fromEntries(Object.entries(fields).map(([key, value]) => [key, valueFromWire(value)]));
}

const isList = (value: JsonObject | readonly JsonValue[]): value is readonly JsonValue[] => Array.isArray(value);
