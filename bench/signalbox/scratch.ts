import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A directory that is gone with the process. */
export const scratch = mkdtempSync(join(tmpdir(), "signalbox-bench-"));
process.on("exit", () => rmSync(scratch, { recursive: true, force: true }));

let files = 0;
export const freshFile = (name: string): string => join(scratch, `${name}-${++files}.db`);
