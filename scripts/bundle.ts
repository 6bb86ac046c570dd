// The bundles of what is published, into any folder: the build's own, or one that a test runs the command from.

import { createHash } from "node:crypto";
import { chmodSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type BuildOptions, build, type Metafile } from "esbuild";

export const root = fileURLToPath(new URL("..", import.meta.url));

const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { version: string };

/** What all bundles have in common. The command's share no code: a file more costs a start more than its bytes. */
const COMMON = {
  absWorkingDir: root,
  bundle: true,
  platform: "node",
  target: "node24",
  minifySyntax: true,
  minifyWhitespace: true,
  legalComments: "none",
  metafile: true,
  external: ["koffi"],
  logLevel: "warning",
} satisfies BuildOptions & { readonly metafile: true };

/** `more`: further entries beside those that are published, by name; a test's own composition of the command, for one. */
export async function bundle(outdir: string, more: { readonly [name: string]: string } = {}): Promise<Metafile> {
  const command = await build({
    ...COMMON,
    outfile: join(outdir, "main.cjs"),
    entryPoints: ["src/main.ts"],
    // A script and no module, so that compiled functions can be kept (src/cli/launch/code-cache.ts, which gives it these names).
    format: "cjs",
    define: {
      SIGNALBOX_VERSION: JSON.stringify(version),
      "import.meta.url": "__url",
      "import.meta.dirname": "__dirname",
      "import.meta.main": "false",
    },
  });
  const code = readFileSync(join(outdir, "main.cjs"));
  if (/[^.\w]import\(/.test(code.toString("latin1")))
    throw new Error("main.cjs has an import() of its own: import modules of Node by a statement");
  const esm = {
    ...COMMON,
    outdir,
    format: "esm",
    define: {
      SIGNALBOX_VERSION: JSON.stringify(version),
      SIGNALBOX_BUILD: JSON.stringify(createHash("sha256").update(code).digest("hex").slice(0, 16)),
    },
    // Bundled CommonJS packages ask for modules of Node alone. A real `require` takes longer to make than all of them.
    banner: { js: "const require = process.getBuiltinModule;" },
  } satisfies BuildOptions;
  const modules = await build({
    ...esm,
    entryPoints: {
      launch: "src/cli/launch/launch.ts",
      server: "src/cli/server-commands.ts",
      "store-thread": "src/store/sqlite/store-thread.ts",
      ...more,
    },
  });
  // What only some programs use, gRPC and PostgreSQL, lies in files of its own, which are read when they are asked for.
  const library = await build({ ...esm, entryPoints: { index: "src/index.ts" }, splitting: true, chunkNames: "library/[name]-[hash]" });
  writeFileSync(join(outdir, "signalbox.js"), readFileSync(join(root, "src", "bootstrap.js")));
  chmodSync(join(outdir, "signalbox.js"), 0o755);
  return {
    inputs: { ...command.metafile.inputs, ...modules.metafile.inputs, ...library.metafile.inputs },
    outputs: { ...command.metafile.outputs, ...modules.metafile.outputs, ...library.metafile.outputs },
  };
}
