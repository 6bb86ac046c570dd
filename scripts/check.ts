// `npm run check`: format, lint, types, layers. Each part says how much it saw; one that saw nothing fails.

import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const bin = join(root, "node_modules", ".bin");

interface Part {
  readonly name: string;
  readonly command: readonly [string, ...string[]];
  /** How many files the part says it looked at. */
  readonly seen: RegExp;
  readonly atLeast: number;
}

const parts: readonly Part[] = [
  { name: "format", command: ["biome", "check", "."], seen: /Checked (\d+) files/, atLeast: 50 },
  { name: "lint", command: ["oxlint", "--type-aware"], seen: /on (\d+) files/, atLeast: 50 },
  { name: "types", command: ["tsc", "-p", ".", "--extendedDiagnostics"], seen: /Files:\s+(\d+)/, atLeast: 100 },
  { name: "layers", command: ["vitest", "run", "test/layers.test.ts"], seen: /Tests\s.*?(\d+) passed/, atLeast: 5 },
];

let failed = false;
for (const { name, command, seen, atLeast } of parts) {
  const [program, ...args] = command;
  const done = spawnSync(join(bin, program), args, { cwd: root, encoding: "utf8", env: { ...process.env, NO_COLOR: "1" } });
  const output = `${done.stdout}${done.stderr}`;
  const count = Number(seen.exec(output)?.[1] ?? 0);
  const ok = done.status === 0 && count >= atLeast;
  failed ||= !ok;
  process.stdout.write(`${ok ? "ok  " : "FAIL"} ${name} (${count} seen)\n`);
  if (!ok) process.stdout.write(done.status === 0 ? `     it saw fewer than ${atLeast}: the check checks nothing\n` : output);
}
process.exitCode = failed ? 1 : 0;
