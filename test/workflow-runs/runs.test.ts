import { describe, expect, it } from "vitest";
import { expression, literal } from "../../src/workflow/run/fake-expressions.ts";
import { FakeHost, untilCancelled } from "../../src/workflow/run/fake-host.ts";
import { background, cancel, job, run, waitAll, workflow } from "../../src/workflow/run/fake-plans.ts";
import { RunBench } from "./run-bench.ts";

describe("a run on the engine", () => {
  it("carries two jobs out, one after the other, with outputs between their steps and between them", async () => {
    const host = new FakeHost({
      steps: {
        make: () => ({ outputs: { x: "41" } }),
        use: ({ published }) => ({ outputs: { y: String(Number(published[0]?.outputs["x"]) + 1) } }),
      },
    });
    const outputs = [{ name: "y", value: expression("steps.use.outputs.y") }];
    const plan = workflow([job("a", { steps: [run("make"), run("use")], outputs }), job("b", { needs: ["a"] })]);
    await using bench = await RunBench.open({ plan, host });
    expect(await bench.run()).toEqual({ conclusion: "success", outputs: {} });
    expect(host.calls).toEqual(["open a", "run a/make #1", "run a/use #1", "close a", "open b", "run b/only #1", "close b"]);
    expect(host.opened[1]?.contexts["needs"]).toEqual({ a: { result: "success", outputs: { y: "42" } } });
    const view = bench.view();
    expect(view).toMatchObject({ status: "completed", conclusion: "success", name: "test", event: "push" });
    expect(view.jobs.map(({ key, conclusion, outputs: values }) => [key, conclusion, values])).toEqual([
      ["a", "success", { y: "42" }],
      ["b", "success", {}],
    ]);
    expect(view.jobs[0]?.steps.map(({ key, kind, number, conclusion }) => [key, kind, number, conclusion])).toEqual([
      ["__setup", "setup", 1, "success"],
      ["make", "run", 2, "success"],
      ["use", "run", 3, "success"],
    ]);
  });

  it("tells its events in the order of commits, the run's end last", async () => {
    const plan = workflow([job("a", { steps: [background("s"), run("f"), cancel("c", "s"), waitAll("w")] })]);
    await using bench = await RunBench.open({ plan, host: new FakeHost({ steps: { s: untilCancelled } }) });
    await bench.run();
    const told = bench.events.map((event) =>
      "step" in event ? `${event.type} ${event.step}` : "job" in event ? `${event.type} ${event.job}` : event.type,
    );
    expect(told).toEqual([
      "run.started",
      "job.queued a",
      "job.started a",
      "step.started __setup",
      "step.finished __setup",
      "step.started s",
      "step.started f",
      "step.finished f",
      "step.started c",
      "step.log c",
      "step.finished s",
      "step.flushed s",
      "step.log c",
      "step.finished c",
      "step.started w",
      "step.log w",
      "step.finished w",
      "job.finished a",
      "run.finished",
    ]);
  });

  it("is cancelled from outside: what runs ends, always() runs, the run concludes cancelled", async () => {
    const begun = Promise.withResolvers<void>();
    const host = new FakeHost({
      steps: {
        long: (attempt) => {
          begun.resolve();
          return untilCancelled(attempt);
        },
      },
    });
    const plan = workflow([job("a", { steps: [run("long"), run("next"), run("last", { if: "always()" })] })]);
    await using bench = await RunBench.open({ plan, host });
    await bench.start();
    await begun.promise;
    await bench.cancel();
    expect((await bench.outcome()).conclusion).toBe("cancelled");
    expect(host.calls).toContain("cancel a/long");
    expect(bench.view().jobs[0]?.steps.map(({ conclusion }) => conclusion)).toEqual(["success", "cancelled", "skipped", "success"]);
  });

  it("calls a workflow, whose jobs stand in the caller's place", async () => {
    const called = workflow([job("inner")], { call: { inputs: [], secrets: [{ name: "KEY", required: true }], outputs: [] } });
    const caller = {
      kind: "call",
      id: "d",
      needs: [],
      uses: "./called.yml",
      secrets: [{ name: "KEY", value: expression("secrets.TOKEN") }],
      with: literal({ a: "1" }),
      at: { line: 1, column: 1 },
    } as const;
    const host = new FakeHost();
    await using bench = await RunBench.open({ plan: workflow([caller]), called, host });
    expect((await bench.run()).conclusion).toBe("success");
    expect(bench.view().jobs.map(({ key, name }) => [key, name])).toEqual([["d/inner", "d / inner"]]);
    expect(host.opened[0]).toMatchObject({
      job: "d..inner",
      secrets: [{ name: "KEY", value: "s3cret" }],
      contexts: { inputs: { a: "1" } },
    });
  });

  it("history bytes per step are flat over 1,000 steps with 1 KB of output each", async () => {
    const steps = Array.from({ length: 1_000 }, (_, index) => run(`s${index}`));
    const output = "x".repeat(1024);
    const each = Object.fromEntries(steps.map(({ key }) => [key, () => ({ outputs: { o: output } })]));
    await using bench = await RunBench.open({
      plan: workflow([job("a", { steps })]),
      host: new FakeHost({ steps: each }),
      checkReplays: false,
    });
    await bench.run();
    const history = bench.committed.filter(({ instanceId }) => instanceId === "run-1/a").flatMap(({ events }) => events);
    const bytes = history.map((event) => JSON.stringify(event).length);
    const sum = (from: number, to: number) => bytes.slice(from, to).reduce((total, size) => total + size, 0);
    const tenth = Math.floor(bytes.length / 10);
    expect(sum(bytes.length - tenth, bytes.length) / sum(tenth, 2 * tenth)).toBeLessThan(1.1);
    expect(sum(0, bytes.length) / steps.length).toBeLessThan(1024 + 1500);
  });
});
