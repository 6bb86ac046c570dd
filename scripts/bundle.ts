// The bundles of what is published, into any folder: the build's own, or one that a test runs the command from.

import { chmodSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build, type Metafile } from "esbuild";

export const root = fileURLToPath(new URL("..", import.meta.url));

const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { version: string };

const ENTRY_POINTS = {
  main: "src/main.ts",
  index: "src/index.ts",
  "store-thread": "src/store/sqlite/store-thread.ts",
};

/** `more`: further entries beside those that are published, by name; a test's own composition of the command, for one. */
export async function bundle(outdir: string, more: { readonly [name: string]: string } = {}): Promise<Metafile> {
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: { ...ENTRY_POINTS, ...more },
    outdir,
    bundle: true,
    splitting: true,
    format: "esm",
    platform: "node",
    target: "node24",
    // Chunks lie beside the entries: what finds its neighbours by its own URL finds them there.
    chunkNames: "chunk-[hash]",
    minifySyntax: true,
    minifyWhitespace: true,
    keepNames: true,
    legalComments: "none",
    metafile: true,
    external: ["koffi"],
    define: { SIGNALBOX_VERSION: JSON.stringify(version) },
    // Bundled CommonJS packages ask for modules of Node alone. A real `require` in each chunk takes milliseconds of every start.
    banner: { js: "const require = process.getBuiltinModule;" },
    logLevel: "warning",
  });
  writeFileSync(join(outdir, "signalbox.js"), readFileSync(join(root, "src", "bootstrap.js")));
  chmodSync(join(outdir, "signalbox.js"), 0o755);
  return metafile;
}
