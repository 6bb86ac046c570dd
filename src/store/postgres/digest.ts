import { createHash } from "node:crypto";

/** Of two texts of any length, told apart from every other two. */
export function digestOf(first: string, second: string): Buffer {
  // UTF-16, which has a code for every string, lone surrogates included.
  return createHash("sha256").update(`${first.length} `).update(first, "utf16le").update(second, "utf16le").digest();
}
