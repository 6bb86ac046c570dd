// The shapes of runs whose histories are kept: what each release recorded must replay in every later one.

import type { WorkflowPlan } from "../../src/model/plan.ts";
import type { RunInputs } from "../../src/model/run-view.ts";
import { expression, literal } from "../../src/workflow/run/fake-expressions.ts";
import { type FakeHostOptions, type FakeStep, post, pre, untilCancelled } from "../../src/workflow/run/fake-host.ts";
import { background, cancel, job, parallel, run, wait, waitAll, workflow } from "../../src/workflow/run/fake-plans.ts";

export interface HistoryShape {
  readonly plan: WorkflowPlan;
  readonly called?: WorkflowPlan;
  readonly options?: Partial<RunInputs["options"]>;
  readonly steps?: FakeHostOptions["steps"];
  readonly pres?: FakeHostOptions["pres"];
  /** The run is cancelled when this step begins. */
  readonly cancelIn?: string;
}

const fails: FakeStep = () => ({ outcome: "failure", message: "Process completed with exit code 1.", exitCode: 1 });
const at = { line: 1, column: 1 };

export const HISTORY_SHAPES: { readonly [name: string]: HistoryShape } = {
  "two-jobs-with-outputs": {
    plan: workflow([
      job("a", { steps: [run("make"), run("use")], outputs: [{ name: "x", value: expression("steps.make.outputs.x") }] }),
      job("b", { needs: ["a"] }),
    ]),
    steps: {
      make: () => ({ outputs: { x: "1" }, environment: [{ name: "WHO", value: { sealed: "c2VhbGVk" } }], posts: [post("Post make")] }),
    },
  },
  "background-steps": {
    plan: workflow([
      job("a", {
        steps: [
          background("server"),
          background("queued"),
          run("check"),
          wait("w", ["queued"], true),
          parallel("p", [run("m1"), run("m2")]),
          cancel("c", "server"),
          waitAll("all", { implicit: true }),
        ],
      }),
    ]),
    options: { maxBackground: 2 },
    steps: { server: untilCancelled, queued: fails },
  },
  "matrix-that-fails-fast": {
    plan: workflow([
      job("m", { strategy: { matrix: literal({ n: [1, 2, 3] }), maxParallel: literal(2), at } }),
      job("after", { needs: ["m"], condition: "always()" }),
    ]),
    steps: { "m.1/only": fails, "m.2/only": untilCancelled },
  },
  "pre-steps": {
    plan: workflow([job("a", { steps: [background("server"), run("check"), waitAll("all", { implicit: true })] })]),
    pres: [pre("server"), pre("check"), { ...pre("check", "success()"), place: [1] }],
    steps: {
      __pre_server: () => ({ state: { token: { sealed: "c2VhbGVk" } }, posts: [post("Post server")] }),
      __pre_check: () => ({ outcome: "failure", posts: [post("Post check")] }),
    },
  },
  "cancelled-run": {
    plan: workflow([
      job("a", { steps: [background("always", { if: "always()" }), run("long"), run("never"), run("last", { if: "always()" })] }),
      job("b", { needs: ["a"] }),
    ]),
    steps: { long: untilCancelled },
    cancelIn: "long",
  },
  "called-workflow": {
    plan: workflow([
      {
        kind: "call",
        id: "d",
        needs: [],
        uses: "./called.yml",
        secrets: "inherit",
        with: literal({ a: "1" }),
        concurrency: { group: literal("g"), at },
        at,
      },
    ]),
    called: workflow([job("inner"), job("other", { needs: ["inner"] })], { call: { inputs: [], secrets: [], outputs: [] } }),
  },
};
