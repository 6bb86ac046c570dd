import { fstatSync, readSync } from "node:fs";
import { SignalboxError } from "../../model/errors.ts";
import type { JournalRecord } from "./journal-record.ts";

const CHUNK_BYTES = 256 * 1024;
const LF = 10;

/**
 * Reads whole records from `from` on. Answers where the last whole one ends and how long the file is: what is between was
 * cut short, or is being written. A record that is whole and cannot be read is damage.
 */
export function readJournal(
  descriptor: number,
  file: string,
  onRecord: (record: JournalRecord) => void,
  from = 0,
): { readonly end: number; readonly size: number } {
  const { size } = fstatSync(descriptor);
  let end = from;
  let rest = Buffer.alloc(0);
  for (let position = from; position < size; ) {
    const chunk = Buffer.allocUnsafe(Math.min(CHUNK_BYTES, size - position));
    const read = readSync(descriptor, chunk, 0, chunk.length, position);
    if (read === 0) break;
    position += read;
    let bytes = Buffer.concat([rest, chunk.subarray(0, read)]);
    for (let lineEnd = bytes.indexOf(LF); lineEnd !== -1; lineEnd = bytes.indexOf(LF)) {
      onRecord(parse(bytes.toString("utf8", 0, lineEnd), file, end));
      end += lineEnd + 1;
      bytes = bytes.subarray(lineEnd + 1);
    }
    rest = bytes;
  }
  return { end, size };
}

function parse(line: string, file: string, at: number): JournalRecord {
  try {
    const record: unknown = JSON.parse(line);
    // Written by Journal.append; the two fields tell it from damage.
    if (typeof record === "object" && record !== null && "seq" in record && "events" in record) return record as JournalRecord;
  } catch (cause) {
    throw new SignalboxError("STORE_CORRUPT", `The run's event stream ${file} is damaged at byte ${at}.`, { cause });
  }
  throw new SignalboxError("STORE_CORRUPT", `The run's event stream ${file} is damaged at byte ${at}.`);
}
