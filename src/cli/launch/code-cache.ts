// Loads a script together with what V8 made of it in an earlier start. Node's own compile cache keeps what is compiled when a
// module is loaded, which is next to nothing: functions are compiled when they are first called, a thousand of them before
// the first step of a run. This one is written after they were called.

import { closeSync, fstatSync, mkdirSync, openSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { Script } from "node:vm";
import { EXIT } from "../exit-codes.ts";

export interface CachedScript {
  /** CommonJS; latin1. */
  readonly file: string;
  readonly url: string;
  /** Absent: nothing is kept. */
  readonly cacheFile?: string;
}

/** By then a run has started its first step: what its start calls is compiled, and V8 has not dropped it as unused. */
const SAVE_AFTER_MS = 2_000;
/** For each version of Node and of this program there is one for each command. */
const MOST_FILES = 24;

/** What the script exports. Its `require` knows the modules of Node alone; it cannot `import()`. */
export function loadScript({ file, url, cacheFile }: CachedScript): unknown {
  const cachedData = cacheFile === undefined ? undefined : readOwn(cacheFile);
  const script = new Script(`(function (exports, require, module, __dirname, __url) {${readFileSync(file, "latin1")}\n})`, {
    filename: file,
    ...(cachedData === undefined ? {} : { cachedData }),
  });
  if (cacheFile !== undefined && (cachedData === undefined || script.cachedDataRejected === true)) saveLater(script, cacheFile);
  const module: { exports: unknown } = { exports: {} };
  // V8 gives back what the text above says.
  const evaluate = script.runInThisContext() as (...given: readonly unknown[]) => void;
  evaluate(module.exports, (name: string) => process.getBuiltinModule(name), module, dirname(file), url);
  return module.exports;
}

/** Code that somebody else wrote is not run. */
function readOwn(path: string): Buffer | undefined {
  let descriptor: number | undefined;
  try {
    descriptor = openSync(path, "r");
    return fstatSync(descriptor).uid === process.getuid?.() ? readFileSync(descriptor) : undefined;
  } catch {
    return undefined;
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
}

function saveLater(script: Script, path: string): void {
  const save = (exitCode?: number): void => {
    clearTimeout(timer);
    process.off("exit", save);
    // What was refused has called little of what a start calls, and a cache that is there is not written again.
    if (exitCode === EXIT.usage || exitCode === EXIT.fault) return;
    try {
      write(path, script.createCachedData());
    } catch {
      // The next start compiles again; nothing else depends on it.
    }
  };
  const timer = setTimeout(() => save(), SAVE_AFTER_MS).unref();
  process.once("exit", save);
}

/** In one piece: nobody reads half of it, and of two that write at once one is the last. */
function write(path: string, data: Buffer): void {
  const folder = dirname(path);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const temporary = `${path}.${process.pid}`;
  try {
    writeFileSync(temporary, data, { mode: 0o600 });
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
  removeOldest(folder);
}

function removeOldest(folder: string): void {
  const files = readdirSync(folder).map((name) => join(folder, name));
  if (files.length <= MOST_FILES) return;
  const byAge = files.map((file) => ({ file, at: statSync(file).mtimeMs })).toSorted((left, right) => right.at - left.at);
  for (const { file } of byAge.slice(MOST_FILES)) rmSync(file);
}
