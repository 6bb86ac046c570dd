// Builds what is published: bundles for the command, the library and the store's thread, declarations for the library,
// and the licences of what is bundled. `--outdir DIR` builds elsewhere than into dist/.

import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { parseArgs } from "node:util";
import type { Metafile } from "esbuild";
import { bundle, root } from "./bundle.ts";

const GO_WITH_MIT = new Set(["MIT", "ISC", "BSD-2-Clause", "BSD-3-Clause", "Apache-2.0", "BlueOak-1.0.0", "0BSD"]);

const { outdir } = parseArgs({ options: { outdir: { type: "string" } } }).values;
const dist = outdir === undefined ? join(root, "dist") : resolve(outdir);

rmSync(dist, { recursive: true, force: true });
const metafile = await bundle(dist);
writeFileSync(join(dist, "THIRD-PARTY-LICENSES.txt"), licences(metafile));
declarations();

/** The licence of every package that has code in a bundle; a package without one fails the build. */
function licences(meta: Metafile): string {
  const packages = new Set<string>();
  for (const output of Object.values(meta.outputs)) {
    for (const [input, { bytesInOutput }] of Object.entries(output.inputs)) {
      const match = /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(input);
      if (match?.[1] !== undefined && bytesInOutput > 0) packages.add(match[1]);
    }
  }
  if (packages.size === 0) throw new Error("no bundled package was found: the licence check would check nothing");
  const texts = [...packages].toSorted().map((folder) => {
    const manifest = JSON.parse(readFileSync(join(root, folder, "package.json"), "utf8")) as {
      name: string;
      version: string;
      license?: string;
    };
    const file = readdirSync(join(root, folder)).find((name) => /^licen[cs]e/i.test(name));
    // Each of several that hold together; a choice of several is not taken by itself.
    const terms = (manifest.license ?? "").replace(/^\((.*)\)$/, "$1").split(" AND ");
    if (!terms.every((term) => GO_WITH_MIT.has(term))) {
      throw new Error(`${manifest.name}: licence ${manifest.license} is not on the list of licences that go with MIT`);
    }
    return `${manifest.name} ${manifest.version} (${manifest.license})\n\n${file === undefined ? "" : readFileSync(join(root, folder, file), "utf8")}`;
  });
  return texts.join(`\n${"-".repeat(80)}\n\n`);
}

/** `.d.ts` for the library, import extensions as consumers resolve them. */
function declarations(): void {
  const out = join(dist, "types");
  mkdirSync(out, { recursive: true });
  execFileSync(join(root, "node_modules", ".bin", "tsc"), ["-p", join(root, "tsconfig.build.json"), "--outDir", out], {
    cwd: root,
    stdio: "inherit",
  });
  const files = readdirSync(out, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".d.ts"));
  if (!files.includes("index.d.ts")) throw new Error(`tsc wrote no index.d.ts into ${relative(root, out)}`);
  for (const name of files) {
    const path = join(out, name);
    writeFileSync(path, readFileSync(path, "utf8").replace(/((?:from|import)\s*\(?\s*"\.{1,2}\/[^"]+)\.ts"/g, '$1.js"'));
  }
  writeFileSync(join(dist, "index.d.ts"), 'export * from "./types/index.js";\n');
  chmodSync(dirname(out), 0o755);
}
