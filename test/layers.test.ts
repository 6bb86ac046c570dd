// The folders are the layers, and imports go only downward. Read with a parser of our own for import lines: tools that
// need the TypeScript API see no file at all under TypeScript 7 and pass.

import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";

const src = fileURLToPath(new URL("../src", import.meta.url));

/** Each layer and what stands below it. */
const ALLOWED: Record<string, readonly string[]> = {
  model: [],
  wire: ["model"],
  expressions: ["model"],
  engine: ["model"],
  runtime: ["model", "expressions", "engine"],
  store: ["model", "expressions", "engine"],
  loops: ["model", "expressions", "engine", "runtime", "store"],
  workflow: ["model", "expressions", "engine", "runtime", "store", "loops"],
  host: ["model", "expressions", "engine", "runtime", "store", "loops"],
  server: ["model", "wire", "expressions", "engine", "runtime", "store", "loops"],
  remote: ["model", "wire", "expressions", "engine", "runtime", "store", "loops"],
  cli: ["model", "wire", "expressions", "engine", "runtime", "store", "loops", "workflow", "host", "server", "remote"],
  "main.ts": ["model", "expressions", "engine", "runtime", "store", "loops", "workflow", "host", "server", "remote", "cli"],
  "index.ts": ["model", "expressions", "engine", "runtime", "store", "loops", "workflow", "host", "server", "remote"],
};
/** Layers that may touch files, processes, sockets and threads. */
const WITH_IO = new Set(["store", "host", "server", "remote", "cli", "main.ts", "index.ts"]);
/** Modules of Node that only compute. */
const PURE_MODULES = new Set(["node:crypto", "node:util", "node:path", "node:path/posix", "node:assert"]);
/** Packages, and the only layers that may import them. */
const PACKAGE_HOMES: readonly (readonly [RegExp, readonly string[]])[] = [
  [/^@actions\//, ["expressions"]],
  [/^koffi$/, ["host"]],
  [/^commander$/, ["cli"]],
  [/^@bufbuild\//, ["wire", "server", "remote"]],
  [/^@grpc\//, ["server", "remote"]],
  [/^pg$/, ["store"]],
];

interface Import {
  readonly file: string;
  readonly from: string;
}

const files = readdirSync(src, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".ts"));
const sources = files.filter((name) => !name.endsWith(".test.ts"));
const imports: readonly Import[] = files.flatMap((file) =>
  importsOf(readFileSync(join(src, file), "utf8")).map((from) => ({ file, from })),
);

function importsOf(text: string): string[] {
  const code = text.replace(/\/\*[\s\S]*?\*\//g, "").replace(/^\s*\/\/.*$/gm, "");
  const found = [...code.matchAll(/\b(?:import|export)\b[^;"'`]*?\bfrom\s*["']([^"']+)["']|\bimport\s*\(?\s*["']([^"']+)["']/g)];
  // A file of a package that its package does not export is taken by its place, and is still that package's.
  return found.map((match) => (match[1] ?? match[2] ?? "").replace(/^(?:\.\.\/)+node_modules\//, ""));
}

function layerOf(file: string): string {
  return file.split("/")[0] ?? file;
}

function target(of: Import): string | undefined {
  return of.from.startsWith(".") ? relative(src, normalize(join(src, dirname(of.file), of.from))) : undefined;
}

describe("layers", () => {
  test("the check sees the sources and their imports", () => {
    expect(sources.length).toBeGreaterThan(50);
    expect(imports.length).toBeGreaterThan(sources.length);
    expect(new Set(sources.map(layerOf))).toEqual(new Set(Object.keys(ALLOWED)));
  });

  test("every import goes to the same layer or to one below", () => {
    const wrong = imports.filter((entry) => {
      const to = target(entry);
      if (to === undefined || entry.file.endsWith(".test.ts")) return false;
      const [own, other] = [layerOf(entry.file), layerOf(to)];
      return own !== other && !(ALLOWED[own] ?? []).includes(other);
    });
    expect(wrong).toEqual([]);
  });

  test("every relative import names a file that is there, with its ending", () => {
    const known = new Set(files);
    expect(
      imports.filter(
        (entry) =>
          target(entry) !== undefined &&
          !known.has(target(entry) ?? "") &&
          !entry.from.endsWith(".json") &&
          !target(entry)?.startsWith(".."),
      ),
    ).toEqual([]);
  });

  test("only store, host, server, remote, cli, main and index import what touches the world", () => {
    const wrong = imports.filter(
      ({ file, from }) => !file.endsWith(".test.ts") && from.startsWith("node:") && !PURE_MODULES.has(from) && !WITH_IO.has(layerOf(file)),
    );
    expect(wrong.filter(({ file, from }) => !(layerOf(file) === "expressions" && from === "node:module"))).toEqual([]);
  });

  test("each package stays where it belongs", () => {
    const wrong = imports.filter(
      ({ file, from }) =>
        !file.endsWith(".test.ts") && PACKAGE_HOMES.some(([name, homes]) => name.test(from) && !homes.includes(layerOf(file))),
    );
    expect(wrong).toEqual([]);
  });

  test("there is no cycle of imports, type imports included", () => {
    const graph = new Map<string, string[]>();
    for (const entry of imports) {
      const to = target(entry);
      if (to !== undefined && !entry.file.endsWith(".test.ts")) graph.set(entry.file, [...(graph.get(entry.file) ?? []), to]);
    }
    expect(findCycle(graph)).toEqual([]);
  });

  test("below main nothing reads the wall clock, random numbers or fresh ids but at the edges that touch the world", () => {
    const reads = /\bDate\.now\(|\bnew Date\(\)|\bMath\.random\(|\brandomUUID|\bperformance\.now\(/;
    const wrong = sources.filter((file) => !WITH_IO.has(layerOf(file)) && reads.test(readFileSync(join(src, file), "utf8")));
    expect(wrong).toEqual([]);
  });
});

function findCycle(graph: ReadonlyMap<string, readonly string[]>): readonly string[] {
  const done = new Set<string>();
  const path: string[] = [];
  const visit = (node: string): readonly string[] => {
    const seenAt = path.indexOf(node);
    if (seenAt >= 0) return [...path.slice(seenAt), node];
    if (done.has(node)) return [];
    path.push(node);
    for (const next of graph.get(node) ?? []) {
      const cycle = visit(next);
      if (cycle.length > 0) return cycle;
    }
    path.pop();
    done.add(node);
    return [];
  };
  for (const node of graph.keys()) {
    const cycle = visit(node);
    if (cycle.length > 0) return cycle;
  }
  return [];
}
