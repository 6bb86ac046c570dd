// Makes TypeScript of src/wire/durable_task.proto, if that has changed since it was last made. Called by the setup, after
// the installation: sources run as they are, so what they import has to be there.

import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const bin = join(root, "node_modules", ".bin");
const wire = join(root, "src", "wire");
const generated = join(wire, "generated");
const stamp = join(generated, ".made-from");

export function generate() {
  const hash = createHash("sha256");
  for (const file of ["durable_task.proto", "buf.gen.yaml"]) hash.update(readFileSync(join(wire, file)));
  // Another version of the generator may write other code.
  for (const name of ["buf", "protoc-gen-es"]) hash.update(readFileSync(join(root, "node_modules", "@bufbuild", name, "package.json")));
  const wanted = hash.digest("hex");
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === wanted) return;
  rmSync(generated, { recursive: true, force: true });
  // buf wants a place for a cache that it does not use here.
  const cache = mkdtempSync(join(tmpdir(), "signalbox-buf-"));
  const env = { ...process.env, PATH: `${bin}${delimiter}${process.env.PATH ?? ""}`, BUF_CACHE_DIR: cache };
  const done = spawnSync("buf", ["generate", "src/wire", "--template", "src/wire/buf.gen.yaml"], { cwd: root, stdio: "inherit", env });
  rmSync(cache, { recursive: true, force: true });
  if (done.error || done.status !== 0) {
    process.stderr.write(`src/wire/durable_task.proto could not be compiled: ${done.error?.message ?? `buf ended with ${done.status}`}.\n`);
    process.exit(1);
  }
  writeFileSync(stamp, wanted);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) generate();
