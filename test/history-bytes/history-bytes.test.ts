// What a step adds to the history, to the event stream and to the store does not depend on how many went before it.

import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { readHistories } from "../../src/cli/session/read-histories.ts";
import { openSqliteReader } from "../../src/store/sqlite/open-inline.ts";
import { BuiltCommand } from "../command/built-command.ts";
import { CommandSandbox } from "../command/command-sandbox.ts";

const STEPS = 1_000;
/** Of the same number of digits. */
const EARLY = [100, 200] as const;
const LATE = [900, 1_000] as const;

let built: BuiltCommand;
beforeAll(async () => {
  built = await BuiltCommand.build();
});
afterAll(() => built[Symbol.dispose]());

const step = (n: number): string => `      - id: s${n}
        run: |
          text=$(printf '%01000d' ${n})
          echo "out=$text" >> "$GITHUB_OUTPUT"; echo "V${n % 10}=$text" >> "$GITHUB_ENV"
          echo "$text"
`;

const WORKFLOW = `on: push\njobs:\n  long:\n    runs-on: ubuntu-latest\n    outputs:\n      last: \${{ steps.s${STEPS - 1}.outputs.out }}\n    steps:\n${Array.from({ length: STEPS }, (_unused, n) => step(n)).join("")}`;

test("history bytes per step are flat over 1,000 steps with 1 KB of output each", { timeout: 120_000 }, async () => {
  using sandbox = new CommandSandbox(built.program, { "long.yml": WORKFLOW });
  expect(await sandbox.startRun("long.yml", ["--ui", "none"]).ended).toMatchObject({ exitCode: 0, errors: "" });
  const directory = (await sandbox.latest())?.directory ?? "";
  const store = join(directory, "store.db");
  await using reader = await openSqliteReader({ path: store });
  const job = (await readHistories(reader, (await sandbox.latest())?.id ?? "")).flatMap(({ events }) =>
    events.map((event) => JSON.stringify(event)),
  );
  const journal = readFileSync(join(directory, "events.ndjson"), "utf8").trim().split("\n");

  const history = [perStep(job, ...EARLY), perStep(job, ...LATE)] as const;
  expect(history[0]).toBeGreaterThan(2_000);
  expect(history[1] / history[0]).toBeLessThan(1.02);
  const stream = [perStep(journal, ...EARLY), perStep(journal, ...LATE)] as const;
  expect(stream[1] / stream[0]).toBeLessThan(1.02);
  // Everything else in the store (rows of activities, indices, pages that are not full) is a small factor.
  expect(statSync(store).size / STEPS).toBeLessThan(history[0] * 2.5);
});

/** Bytes of the lines from the first that names one step to the first that names another, for each step between them. */
function perStep(lines: readonly string[], from: number, to: number): number {
  const first = (n: number): number => {
    const found = n === STEPS ? lines.length : lines.findIndex((line) => new RegExp(`\\bs${n}\\b`).test(line));
    expect(found).toBeGreaterThan(0);
    return found;
  };
  const part = lines.slice(first(from), first(to));
  return part.reduce((bytes, line) => bytes + Buffer.byteLength(line) + 1, 0) / (to - from);
}
