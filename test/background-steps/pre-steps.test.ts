// B15: "Pre steps run first, in order, never in the background. Post steps run last, in the foreground, in the reverse order
// of declaration of their main steps." With JavaScript actions in folders that `--action` names.

import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { FileRun } from "./bench.ts";

let folder: string;
let options: NonNullable<Parameters<typeof FileRun.run>[1]>;

/** Each program notes that it ran, by `who`, with the state that it finds, and leaves its own. */
const PROGRAM = (stage: string) => `
const { appendFileSync } = require("node:fs");
const who = process.env.INPUT_WHO;
appendFileSync(process.env.BARRIERS + "/order", "${stage} " + who + " [" + Object.keys(process.env).filter((name) => name.startsWith("STATE_")).sort().map((name) => process.env[name]).join(" ") + "]\\n");
appendFileSync(process.env.GITHUB_STATE, "${stage}=${stage}-" + who + "\\n");
appendFileSync(process.env.GITHUB_ENV, "${stage}_" + who.replace(/\\W/g, "_") + "=1\\n");
if (who === "fails in ${stage}") process.exit(3);
if (who === "waits in ${stage}") { appendFileSync(process.env.BARRIERS + "/here", "x"); setInterval(() => {}, 1000); }
`;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "signalbox-actions-"));
  const write = (path: string, text: string): void => {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  };
  for (const stage of ["pre", "main", "post"]) write(`tool/${stage}.js`, PROGRAM(stage));
  const runs = "using: node24, pre: pre.js, main: main.js, post: post.js";
  write("tool/action.yml", `{ name: tool, inputs: { who: { default: nobody } }, runs: { ${runs} } }`);
  for (const stage of ["pre", "main", "post"]) write(`tool/picky/${stage}.js`, PROGRAM(stage));
  write("tool/picky/action.yml", `{ name: picky, inputs: { who: { default: picky } }, runs: { ${runs}, pre-if: failure() } }`);
  write(
    "both/action.yml",
    `name: both
inputs: { name: { default: inner } }
runs:
  using: composite
  steps:
    - { uses: acme/tool@v1, with: { who: "\${{ inputs.name }} one" } }
    - { run: 'echo between >> $BARRIERS/order', shell: bash }
    - { uses: acme/tool@v1, with: { who: "\${{ inputs.name }} two" } }
`,
  );
  options = { options: { actionFolders: { "acme/tool@v1": join(folder, "tool"), "acme/both@v1": join(folder, "both") } } };
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const order = (run: FileRun): readonly string[] => readFileSync(join(run.directory, "barriers/order"), "utf8").trim().split("\n");
const steps = (run: FileRun) => run.bench.view().jobs[0]?.steps ?? [];

describe("pre steps", () => {
  it("B15: run first, in order, in the foreground; main and post see what pre saved", async () => {
    await using run = await FileRun.run(
      `
- { id: first, run: 'echo "first [$pre_a$pre_b]" >> $BARRIERS/order' }
- { id: b, background: true, uses: acme/tool@v1, with: { who: b } }
- wait: b
- parallel: [{ id: a, uses: acme/tool@v1, with: { who: a } }]
`,
      options,
    );
    expect(run.outcome.conclusion).toBe("success");
    expect(order(run)).toEqual([
      "pre b []",
      "pre a []",
      "first [11]",
      "main b [pre-b]",
      "main a [pre-a]",
      "post a [main-a pre-a]",
      "post b [main-b pre-b]",
    ]);
    const [setup, ...others] = steps(run);
    expect(setup?.kind).toBe("setup");
    expect(others.slice(0, 2)).toMatchObject([
      { key: "__pre_b", kind: "pre", parent: "b", name: "Pre Run acme/tool@v1", number: 2, background: false, attempt: 1 },
      { key: "__pre_a", kind: "pre", parent: "a", number: 3, conclusion: "success" },
    ]);
    expect(steps(run).map(({ number }) => number)).toEqual(steps(run).map((_, index) => index + 1));
    const started = run.bench.events.flatMap((event) => (event.type === "step.started" ? [[event.step, event.number, event.parent]] : []));
    expect(started.slice(1, 4)).toEqual([
      ["__pre_b", 2, "b"],
      ["__pre_a", 3, "a"],
      ["first", 4, undefined],
    ]);
    expect(steps(run).find(({ key }) => key === "__pre_b")?.log?.file).toMatch(/__pre_b\.1\.log$/);
  });

  it("B15: those of actions inside a composite action run first, too, each with its own state", async () => {
    await using run = await FileRun.run(
      "- { id: c, background: true, uses: acme/both@v1, with: { name: in } }\n- { id: f, run: ':' }",
      options,
    );
    expect(run.outcome.conclusion).toBe("success");
    expect(order(run)).toEqual([
      "pre in one []",
      "pre in two []",
      "main in one [pre-in one]",
      "between",
      "main in two [pre-in two]",
      "post in two [main-in two pre-in two]",
      "post in one [main-in one pre-in one]",
    ]);
    expect(
      steps(run)
        .filter(({ parent }) => parent === "c")
        .map(({ key }) => key),
    ).toEqual(["__pre_c", "__pre_2_c", "__post_2_c", "__post_c"]);
  });

  it("B15: one that fails fails the job; main steps are skipped, and what began is cleaned up", async () => {
    await using run = await FileRun.run(
      `
- { id: a, uses: acme/tool@v1, with: { who: fails in pre } }
- { id: p, uses: acme/tool/picky@v1 }
- { id: c, uses: acme/both@v1 }
- { id: never, if: false, uses: acme/tool@v1, with: { who: unused } }
- { id: last, if: failure(), run: 'echo last >> $BARRIERS/order' }
`,
      options,
    );
    expect(run.outcome.conclusion).toBe("failure");
    expect(order(run)).toEqual([
      "pre fails in pre []",
      "pre picky []",
      "pre inner one []",
      "pre inner two []",
      "pre unused []",
      "last",
      "post unused [pre-unused]",
      "post inner two [pre-inner two]",
      "post inner one [pre-inner one]",
      "post picky [pre-picky]",
      "post fails in pre [pre-fails in pre]",
    ]);
    expect(run.step("a").conclusion).toBe("skipped");
    expect(run.step("__pre_a")).toMatchObject({ conclusion: "failure", exitCode: 3, message: "Process completed with exit code 3." });
  });

  it("B15: pre-if is obeyed, continue-on-error and timeout-minutes are those of the main step", async () => {
    await using run = await FileRun.run(
      `
- { id: p, uses: acme/tool/picky@v1 }
- { id: a, continue-on-error: true, uses: acme/tool@v1, with: { who: fails in pre } }
- { id: t, continue-on-error: true, timeout-minutes: 0.002, uses: acme/tool@v1, with: { who: waits in pre } }
`,
      options,
    );
    expect(run.outcome.conclusion).toBe("success");
    expect(run.step("__pre_p")).toMatchObject({ conclusion: "skipped" });
    expect(run.step("__pre_a")).toMatchObject({ outcome: "failure", conclusion: "success" });
    expect(run.step("__pre_t")).toMatchObject({ outcome: "failure", message: expect.stringContaining("timed out") });
    expect(run.step("a").conclusion).toBe("success");
    expect(order(run).slice(-3)).toEqual([
      "post waits in pre [main-waits in pre pre-waits in pre]",
      "post fails in pre [main-fails in pre pre-fails in pre]",
      "post picky [main-picky]",
    ]);
  });

  it("a local action's pre is not run: its main step says so, as on GitHub", async () => {
    await using run = await FileRun.run(
      `
- run: 'cp -r ${folder}/tool .'
- { id: a, uses: ./tool, with: { who: local } }
`,
      options,
    );
    expect(run.outcome.conclusion).toBe("success");
    expect(order(run)).toEqual(["main local []", "post local [main-local]"]);
    expect(run.printed("a") + readFileSync(join(run.directory, run.step("a").log?.file ?? ""), "utf8")).toContain(
      "`pre` execution is not supported for local action from './tool'",
    );
  });

  it("a cancelled job: a pre step that always() holds goes on to its end, force ends it, its post step is not begun", async () => {
    await using run = await FileRun.open("- { id: a, uses: acme/tool@v1, with: { who: waits in pre } }", options);
    await run.bench.start();
    await run.made("here");
    await run.bench.engine.raiseEvent("run-1", "cancel", { reason: "asked", force: true });
    expect((await run.bench.outcome()).conclusion).toBe("cancelled");
    expect(run.step("__pre_a").conclusion).toBe("cancelled");
    expect(run.step("a").conclusion).toBe("skipped");
    expect(order(run)).toEqual(["pre waits in pre []"]);
  });
});
