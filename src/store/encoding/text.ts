// How values become the text that a row holds. JSON, because it is exact for every string: NUL and lone surrogates are
// escaped. Strings above a threshold are cut out and stored once under the hash of their content; such a text begins with
// a line "@hash,hash" (no JSON does), and inside it a string stands for itself, for a blob, or, if it begins with NUL, escaped.

import { createHash } from "node:crypto";
import { SignalboxError } from "../../model/errors.ts";

/** JSON, or JSON behind a line that names the blobs it refers to. */
export type Text = string;

/** Takes what is stored beside the rows of a batch. */
export type BlobSink = Map<string, string>;

/** Strings of this many UTF-16 units or more are stored once, by content. */
export const BLOB_THRESHOLD = 32 * 1024;
/** One payload, and all that one turn appends, in UTF-16 units of their JSON. */
export const MAX_TEXT_LENGTH = 128 * 1024 * 1024;
/** Hubs, instance ids, execution ids and names, in UTF-16 units. */
export const MAX_KEY_LENGTH = 16 * 1024;

const BLOB_MARK = "\u0000#";

export function encodeText(value: unknown, blobs: BlobSink): Text {
  const json = stringify(value);
  if (json.length < BLOB_THRESHOLD) return json;
  if (json.length > MAX_TEXT_LENGTH) throw overLimit("A payload, or what one turn adds to the history", json.length, MAX_TEXT_LENGTH);
  if (!holdsLongString(value)) return json;
  const hashes = new Set<string>();
  const cut = JSON.stringify(value, (_key, inner: unknown) => {
    if (typeof inner !== "string") return inner;
    if (inner.length >= BLOB_THRESHOLD) {
      const blob = JSON.stringify(inner);
      const hash = createHash("sha256").update(blob).digest("hex");
      blobs.set(hash, blob);
      hashes.add(hash);
      return BLOB_MARK + hash;
    }
    return inner.startsWith("\u0000") ? `\u0000${inner}` : inner;
  });
  return `@${[...hashes].join()}\n${cut}`;
}

/** Far cheaper than to cut: a wide turn is long and holds none. */
function holdsLongString(value: unknown): boolean {
  if (typeof value === "string") return value.length >= BLOB_THRESHOLD;
  if (typeof value !== "object" || value === null) return false;
  for (const inner of Array.isArray(value) ? value : Object.values(value)) {
    if (typeof inner !== "number" && holdsLongString(inner)) return true;
  }
  return false;
}

/** The hashes of the blobs that a text refers to. */
export function blobsOf(text: Text): readonly string[] {
  return text.startsWith("@") ? text.slice(1, text.indexOf("\n")).split(",") : [];
}

/** The text as plain JSON, its blobs put back. */
export function expandText(text: Text, blobJson: (hash: string) => string): string {
  if (!text.startsWith("@")) return text;
  return JSON.stringify(
    JSON.parse(text.slice(text.indexOf("\n") + 1), (_key, inner: unknown) => {
      if (typeof inner !== "string" || !inner.startsWith("\u0000")) return inner;
      return inner.startsWith(BLOB_MARK) ? JSON.parse(blobJson(inner.slice(BLOB_MARK.length))) : inner.slice(1);
    }),
  );
}

export function checkKey(what: string, key: string): void {
  if (key.length > MAX_KEY_LENGTH) throw overLimit(`${what} "${key.slice(0, 40)}..."`, key.length, MAX_KEY_LENGTH);
}

function stringify(value: unknown): string {
  try {
    return JSON.stringify(value);
  } catch (cause) {
    if (cause instanceof RangeError)
      throw new SignalboxError("LIMIT_EXCEEDED", "A value is too large or too deep to be stored.", { cause });
    throw cause;
  }
}

function overLimit(what: string, is: number, limit: number): SignalboxError {
  return new SignalboxError(
    "LIMIT_EXCEEDED",
    `${what} is ${is} characters long; the store takes at most ${limit}. Keep large data in files.`,
  );
}
