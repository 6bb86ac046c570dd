import { open } from "node:fs/promises";

const TAIL_BYTES = 16 * 1024;

/** The last lines of a log, without reading more than its end; none where it is not there. */
export async function readTail(path: string, lineCount: number): Promise<readonly string[]> {
  try {
    await using file = await open(path, "r");
    const { size } = await file.stat();
    const length = Math.min(size, TAIL_BYTES);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, size - length);
    const lines = buffer.toString("utf8", 0, bytesRead).replace(/\n$/, "").split("\n");
    if (bytesRead === 0) return [];
    // The first line was cut in the middle where the file is longer than what was read.
    return (size > length && lines.length > 1 ? lines.slice(1) : withoutHeader(lines)).slice(-lineCount);
  } catch {
    return [];
  }
}

/** A log begins with a group that repeats the step's script: no news to who looks at how it ended. */
function withoutHeader(lines: readonly string[]): readonly string[] {
  const end = lines[0]?.startsWith("##[group]") ? lines.indexOf("##[endgroup]") : -1;
  return lines.slice(end + 1);
}
