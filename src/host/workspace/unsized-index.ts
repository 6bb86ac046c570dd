// An index that is taken to another working tree must forget the sizes of files: git takes a file of another size for
// changed without looking into it, and with line end conversion or a filter the same content has another size there.
// A size of 0 makes git compare contents. Format: Documentation/gitformat-index in git.

import { createHash } from "node:crypto";

const HEADER_BYTES = 12;
const SIZE_OFFSET = 36;
const OID_OFFSET = 40;
const EXTENDED = 0x4000;
const NAME_LENGTH = 0x0fff;

/** Returned as it is if it is of a kind that is not known here, such as one without a checksum. */
export function unsizedIndex(index: Buffer): Buffer {
  const hash = (["sha1", "sha256"] as const).find(
    (name) => index.length > HEADER_BYTES + 32 && checksum(index, name).equals(trailer(index, name)),
  );
  const version = hash === undefined ? 0 : index.readUInt32BE(4);
  if (hash === undefined || version < 2 || version > 4) return index;
  const unsized = Buffer.from(index);
  const count = index.readUInt32BE(8);
  for (let entry = 0, at = HEADER_BYTES; entry < count; entry++) {
    unsized.writeUInt32BE(0, at + SIZE_OFFSET);
    at = nextEntry(index, at, version, hashBytes(hash));
  }
  checksum(unsized, hash).copy(unsized, unsized.length - hashBytes(hash));
  return unsized;
}

function nextEntry(index: Buffer, at: number, version: number, oidBytes: number): number {
  const flags = index.readUInt16BE(at + OID_OFFSET + oidBytes);
  const name = at + OID_OFFSET + oidBytes + 2 + ((flags & EXTENDED) === 0 ? 0 : 2);
  // Version 4: a number of bytes to drop from the name before, then the rest; no padding.
  if (version === 4) return index.indexOf(0, afterVarint(index, name)) + 1;
  const length = (flags & NAME_LENGTH) < NAME_LENGTH ? flags & NAME_LENGTH : index.indexOf(0, name) - name;
  return at + ((name - at + length + 8) & ~7);
}

function afterVarint(index: Buffer, start: number): number {
  let at = start;
  while (((index[at] ?? 0) & 0x80) !== 0) at++;
  return at + 1;
}

function hashBytes(name: "sha1" | "sha256"): number {
  return name === "sha1" ? 20 : 32;
}

function trailer(index: Buffer, name: "sha1" | "sha256"): Buffer {
  return index.subarray(index.length - hashBytes(name));
}

function checksum(index: Buffer, name: "sha1" | "sha256"): Buffer {
  return createHash(name)
    .update(index.subarray(0, index.length - hashBytes(name)))
    .digest();
}
