// `hashFiles`: sha256 over the binary sha256 of each file that matches, in the order of @actions/glob, links followed,
// files outside the workspace left out; "" where nothing matches.

import { createHash, type Hash } from "node:crypto";
import { createReadStream } from "node:fs";
import { readdir, realpath, stat } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { type GlobPatterns, parseGlobPatterns } from "../../expressions/glob-patterns.ts";

export async function hashFiles(texts: readonly string[], workspace: string): Promise<string> {
  const patterns = await parseGlobPatterns(texts, workspace);
  const whole = createHash("sha256");
  let count = 0;
  for (const searchPath of patterns.searchPaths.toReversed()) {
    for await (const file of walk(searchPath, patterns, [])) {
      if (!file.startsWith(`${workspace}/`)) continue;
      whole.update(await digest(file));
      count++;
    }
  }
  return count === 0 ? "" : whole.digest("hex");
}

async function digest(file: string): Promise<Buffer> {
  const hash: Hash = createHash("sha256");
  await pipeline(createReadStream(file), hash);
  return hash.digest();
}

/** `chain`: real paths of the folders above, where a link would make a circle. */
async function* walk(path: string, patterns: GlobPatterns, chain: readonly string[]): AsyncGenerator<string> {
  if (!patterns.mayHoldMatches(path)) return;
  let stats: Awaited<ReturnType<typeof stat>>;
  try {
    stats = await stat(path);
  } catch {
    return;
  }
  if (!stats.isDirectory()) {
    if (stats.isFile() && patterns.matchesFile(path)) yield path;
    return;
  }
  const real = await realpath(path);
  if (chain.includes(real)) return;
  for (const name of await readdir(path)) yield* walk(join(path, name), patterns, [...chain, real]);
}
