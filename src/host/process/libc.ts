// The C library, for the few calls that Node has not: through koffi. Its package takes 10 ms to load, nearly all of it in
// looking for the native part; where that lies at its usual place it is opened at once, which takes half of one.

import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import type koffiModule from "koffi";

type Koffi = Pick<typeof koffiModule, "load" | "version">;
export type Libc = ReturnType<Koffi["load"]>;

/** What the declarations that are passed to `func` are written for. */
const MAJOR_VERSION = "3.";

let libc: Libc | undefined;
let isTried = false;

/** Undefined: this is not Linux, or there is no native library for this machine. */
export function loadLibc(): Libc | undefined {
  if (isTried || process.platform !== "linux") return libc;
  isTried = true;
  try {
    const koffi = openNativePart() ?? requireKoffi();
    libc = koffi.version.startsWith(MAJOR_VERSION) ? koffi.load(null) : undefined;
  } catch {
    libc = undefined;
  }
  return libc;
}

/** Where npm puts it, seen from the file that runs. */
function openNativePart(): Koffi | undefined {
  const { platform, arch } = process;
  const within = join("node_modules", "@koromix", `koffi-${platform}-${arch}`, `${platform}_${arch}`, "koffi.node");
  for (let folder = import.meta.dirname; ; folder = dirname(folder)) {
    const file = join(folder, within);
    if (existsSync(file)) return dlopen(file);
    if (folder === dirname(folder)) return undefined;
  }
}

/** Undefined: it is made for another C library; koffi itself knows which. */
function dlopen(file: string): Koffi | undefined {
  try {
    const module: { exports: Partial<Koffi> } = { exports: {} };
    process.dlopen(module, file);
    const { load, version } = module.exports;
    return load === undefined || version === undefined ? undefined : { load, version };
  } catch {
    return undefined;
  }
}

function requireKoffi(): Koffi {
  // koffi's types come with its module; `require` gives the same object.
  return createRequire(import.meta.url)("koffi") as Koffi;
}
