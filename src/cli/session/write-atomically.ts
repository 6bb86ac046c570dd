import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from "node:fs";

/** Replaces a file: a reader, and a crash, sees the old content or the new. Throws what the system says. */
export function writeAtomically(file: string, content: string | Uint8Array, options: { readonly isDurable?: boolean } = {}): void {
  const temporary = `${file}.${process.pid}.tmp`;
  try {
    const descriptor = openSync(temporary, "w", 0o600);
    try {
      const bytes = typeof content === "string" ? Buffer.from(content) : content;
      // A disk that fills up takes a part first, and refuses the next write with the reason.
      for (let written = 0; written < bytes.length; ) written += writeSync(descriptor, bytes, written);
      if (options.isDurable ?? true) fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
    renameSync(temporary, file);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}
