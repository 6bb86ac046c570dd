import { describe, expect, it } from "vitest";
import type { CallJobPlan, StepsJobPlan } from "../../../model/plan.ts";
import { expression, literal } from "../fake-expressions.ts";
import { job, workflow } from "../fake-plans.ts";
import { WorkflowBench } from "./workflow-bench.ts";

const at = { line: 1, column: 1 };
const matrix = (values: readonly number[], more: { readonly failFast?: boolean; readonly maxParallel?: number } = {}) => ({
  strategy: {
    matrix: literal({ n: values }),
    ...(more.failFast === undefined ? {} : { failFast: literal(more.failFast) }),
    ...(more.maxParallel === undefined ? {} : { maxParallel: literal(more.maxParallel) }),
    at,
  } satisfies StepsJobPlan["strategy"],
});
const call = (id: string, more: Partial<CallJobPlan> = {}): CallJobPlan => ({
  kind: "call",
  id,
  needs: [],
  uses: "./.github/workflows/called.yml",
  secrets: [],
  at,
  ...more,
});

describe("needs", () => {
  it("a job starts when all that it needs has ended, and sees results and outputs", () => {
    const bench = new WorkflowBench([job("a"), job("b"), job("c", { needs: ["a", "b"] })]);
    expect(bench.started).toEqual(["a", "b"]);
    bench.end("a", "success", { x: "1" });
    expect(bench.started).toEqual(["a", "b"]);
    bench.end("b");
    expect(bench.jobs.get("c")?.contexts["needs"]).toEqual({
      a: { result: "success", outputs: { x: "1" } },
      b: { result: "success", outputs: {} },
    });
    expect(bench.end("c").outcome).toEqual({ conclusion: "success", outputs: {} });
  });

  it("a failed ancestor skips what needs it, at any depth; failure() and always() run", () => {
    const jobs = [
      job("a"),
      job("b", { needs: ["a"] }),
      job("c", { needs: ["b"] }),
      job("d", { needs: ["b"], condition: "failure()" }),
      job("e", { needs: ["c"], condition: "always()" }),
    ];
    const bench = new WorkflowBench(jobs).end("a", "failure");
    expect(bench.finished("b")).toEqual({ conclusion: "skipped" });
    expect(bench.finished("c")).toEqual({ conclusion: "skipped" });
    expect(bench.started).toEqual(["a", "e", "d"].toSorted());
    expect(bench.end("d").end("e").outcome?.conclusion).toBe("failure");
  });

  it("a job whose continue-on-error is true fails without failing the run or what needs it", () => {
    const bench = new WorkflowBench([job("a", { continueOnError: literal(true) }), job("b", { needs: ["a"] })]).end("a", "failure");
    expect(bench.finished("a")).toEqual({ conclusion: "failure" });
    expect(bench.started).toEqual(["a", "b"]);
    expect(bench.end("b").outcome?.conclusion).toBe("success");
  });

  it("a key that cannot be evaluated fails its job, with the reason, and no other", () => {
    const bench = new WorkflowBench([job("a", { timeoutMinutes: expression("throw") }), job("b")]);
    expect(bench.finished("a")).toEqual({ conclusion: "failure", message: "Unrecognized named-value: 'nothing'" });
    expect(bench.end("b").outcome?.conclusion).toBe("failure");
  });

  it("a timed-out job is shown as such, is cancelled for those that need it, and fails the run", () => {
    const bench = new WorkflowBench([job("a"), job("b", { needs: ["a"], condition: "always()" })]).end("a", "timed_out");
    expect(bench.finished("a")).toEqual({ conclusion: "timed_out" });
    expect(bench.jobs.get("b")?.contexts["needs"]).toEqual({ a: { result: "cancelled", outputs: {} } });
    expect(bench.end("b").outcome?.conclusion).toBe("failure");
  });

  it("--job takes the named jobs with what they need", () => {
    const bench = new WorkflowBench([job("a"), job("b"), job("c", { needs: ["a"] })], { options: { jobs: ["c"] } });
    expect(bench.started).toEqual(["a"]);
    bench.end("a");
    expect(bench.started).toEqual(["a", "c"]);
    expect(bench.facts.some((fact) => "key" in fact && fact.key === "b")).toBe(false);
  });

  it("a job that this machine cannot run fails, or is skipped by option", () => {
    const windows = job("w", { runsOn: literal("windows-latest") });
    expect(new WorkflowBench([windows]).outcome?.conclusion).toBe("failure");
    const bench = new WorkflowBench([windows], { options: { unsupported: "skip" } });
    expect(bench.finished("w")).toEqual({ conclusion: "skipped", message: 'runs-on: "windows-latest" is not this machine' });
    expect(bench.outcome?.conclusion).toBe("success");
  });
});

describe("matrices and windows", () => {
  it("cells start in order, never more than max-parallel", () => {
    const bench = new WorkflowBench([job("m", matrix([1, 2, 3], { maxParallel: 2 }))]);
    expect(bench.started).toEqual(["m (1)", "m (2)"]);
    bench.end("m (2)");
    expect(bench.started).toEqual(["m (1)", "m (2)", "m (3)"]);
    expect(bench.jobs.get("m (3)")).toMatchObject({
      host: "m.3",
      contexts: { matrix: { n: 3 }, strategy: { "job-index": 2, "job-total": 3 } },
    });
  });

  it("--max-jobs bounds the whole run, first come first served", () => {
    const bench = new WorkflowBench([job("m", matrix([1, 2])), job("a")], { options: { maxJobs: 2 } });
    expect(bench.started).toEqual(["m (1)", "m (2)"]);
    expect(bench.end("m (1)").started).toEqual(["m (1)", "m (2)", "a"]);
  });

  it("in place, jobs run one after the other", () => {
    const bench = new WorkflowBench([job("a"), job("b")], { options: { inPlace: true } });
    expect(bench.started).toEqual(["a"]);
    expect(bench.end("a").started).toEqual(["a", "b"]);
  });

  it("fail-fast cancels what runs of the matrix and starts no other cell", () => {
    const bench = new WorkflowBench([job("m", matrix([1, 2, 3, 4], { maxParallel: 2 }))]).end("m (1)", "failure");
    expect(bench.cancelled).toEqual(["m (2)"]);
    expect(bench.started).toEqual(["m (1)", "m (2)"]);
    expect(bench.finished("m (3)")?.conclusion).toBe("cancelled");
    expect(bench.end("m (2)", "cancelled").outcome?.conclusion).toBe("failure");
  });

  it("without fail-fast the other cells go on", () => {
    const bench = new WorkflowBench([job("m", matrix([1, 2], { failFast: false }))]).end("m (1)", "failure");
    expect(bench.cancelled).toEqual([]);
    expect(bench.end("m (2)").outcome?.conclusion).toBe("failure");
  });

  it("of equal output names the last cell with a value wins", () => {
    const bench = new WorkflowBench([job("m", matrix([1, 2, 3])), job("z", { needs: ["m"] })]);
    bench.end("m (2)", "success", { o: "two" }).end("m (1)", "success", { o: "one" }).end("m (3)", "success", { o: "" });
    expect(bench.jobs.get("z")?.contexts["needs"]).toEqual({ m: { result: "success", outputs: { o: "two" } } });
  });

  it("--matrix selects cells", () => {
    const options = { matrix: [{ key: "n", value: "2" }] };
    expect(new WorkflowBench([job("m", matrix([1, 2, 3]))], { options }).started).toEqual(["m (2)"]);
  });
});

describe("cancelling a run", () => {
  it("cancels what runs, runs what holds, skips the rest, and concludes cancelled", () => {
    const jobs = [
      job("a"),
      job("b", { needs: ["a"] }),
      job("c", { needs: ["a"], condition: "always()" }),
      job("d", { needs: ["a"], condition: "cancelled()" }),
    ];
    const bench = new WorkflowBench(jobs).cancel();
    expect(bench.cancelled).toEqual(["a"]);
    bench.end("a", "cancelled");
    expect(bench.finished("b")?.conclusion).toBe("skipped");
    expect(bench.started).toEqual(["a", "c", "d"]);
    expect(bench.end("c").end("d").outcome?.conclusion).toBe("cancelled");
  });

  it("a running job whose condition still holds goes on, until the grace is over", () => {
    const bench = new WorkflowBench([job("a", { condition: "always()" }), job("b", { needs: ["a"], condition: "always()" })]).cancel();
    expect(bench.cancelled).toEqual([]);
    for (let tick = 0; tick < 60; tick++) bench.send({ kind: "GraceFired", lateMs: 0 });
    expect(bench.cancelled).toEqual(["a"]);
    expect(bench.finished("b")?.conclusion).toBe("cancelled");
    expect(bench.end("a", "cancelled").outcome?.conclusion).toBe("cancelled");
  });

  it("a job that stands in the window is cancelled without having started, and its turn is given on", () => {
    const bench = new WorkflowBench([job("a", { condition: "always()" }), job("b"), job("c", { condition: "always()" })], {
      options: { maxJobs: 1 },
    });
    bench.cancel();
    expect(bench.finished("b")?.conclusion).toBe("cancelled");
    expect(bench.end("a").started).toEqual(["a", "c"]);
    expect(bench.end("c").outcome?.conclusion).toBe("cancelled");
  });
});

describe("concurrency groups", () => {
  const concurrency = { group: literal("deploy"), cancelInProgress: literal(true), at };

  it("a workflow starts nothing before it holds its group, and gives it back at its end", () => {
    const bench = new WorkflowBench([job("a")], { plan: { concurrency } });
    expect(bench.started).toEqual([]);
    expect(bench.commands).toContainEqual(
      expect.objectContaining({ kind: "AcquireGroup", wish: { group: "deploy", cancelInProgress: true, queue: "single" } }),
    );
    bench.hold();
    expect(bench.started).toEqual(["a"]);
    bench.end("a");
    expect(bench.commands.map(({ kind }) => kind).slice(-2)).toEqual(["ReleaseGroup", "Complete"]);
  });

  it("a workflow that was superseded while it waited ends cancelled, with the reason", () => {
    const bench = new WorkflowBench([job("a")], { plan: { concurrency } });
    bench.send({ kind: "GroupAnswered", owner: { kind: "workflow" }, answer: { kind: "superseded", message: "a newer run waits" } });
    expect(bench.outcome).toEqual({ conclusion: "cancelled", outputs: {}, message: "a newer run waits" });
    expect(bench.finished("a")?.conclusion).toBe("cancelled");
  });

  it("a workflow that is cancelled while it waits for its group ends at once", () => {
    const bench = new WorkflowBench([job("a")], { plan: { concurrency } }).cancel();
    expect(bench.outcome?.conclusion).toBe("cancelled");
  });

  it("a job takes its group before its place in the window, and gives both back", () => {
    const bench = new WorkflowBench([job("a", { concurrency }), job("b")], { options: { maxJobs: 1 } });
    expect(bench.started).toEqual(["b"]);
    bench.hold({ kind: "cell", key: "a" }).end("b");
    expect(bench.started).toEqual(["b", "a"]);
    bench.end("a");
    expect(bench.commands).toContainEqual(expect.objectContaining({ kind: "ReleaseGroup", host: "a" }));
  });

  it("a group that comes when its job has been cancelled goes back at once", () => {
    const bench = new WorkflowBench([job("a", { concurrency }), job("b", { condition: "always()" })]).cancel();
    expect(bench.finished("a")?.conclusion).toBe("cancelled");
    bench.hold({ kind: "cell", key: "a" });
    expect(bench.commands.at(-1)).toMatchObject({ kind: "ReleaseGroup", host: "a" });
    expect(bench.started).toEqual(["b"]);
  });
});

describe("called workflows", () => {
  const called = workflow([job("inner")], {
    call: { inputs: [], secrets: [], outputs: [{ name: "o", value: expression("jobs.inner.outputs.x") }] },
  });

  it("are started below their job, with inputs and the way to their secrets", () => {
    const bench = new WorkflowBench([call("d", { with: literal({ a: 1 }), secrets: "inherit" }), job("z", { needs: ["d"] })], { called });
    expect(bench.calls.get("d")).toMatchObject({
      plan: "called",
      inputs: { a: 1 },
      call: { root: "run-1", key: "d", host: "d", depth: 2, secrets: [{ secrets: "inherit" }] },
    });
    bench.end("d", "success", { o: "1" });
    expect(bench.jobs.get("z")?.contexts["needs"]).toEqual({ d: { result: "success", outputs: { o: "1" } } });
  });

  it("ask the root for their places, and give their outputs", () => {
    const input = { call: { root: "run-1", key: "d", name: "d", host: "d", depth: 2, secrets: [] } };
    const bench = new WorkflowBench([job("inner")], { plan: called.call === undefined ? {} : { call: called.call }, input });
    expect(bench.started).toEqual([]);
    expect(bench.commands).toContainEqual({ kind: "AskSlot", key: "d/inner" });
    bench.send({ kind: "SlotGranted", key: "d/inner" });
    expect(bench.jobs.get("d/inner")).toMatchObject({ host: "d..inner", name: "d / inner" });
    bench.end("d/inner", "success", { x: "1" });
    expect(bench.commands).toContainEqual({ kind: "ReturnSlot" });
    expect(bench.outcome).toEqual({ conclusion: "success", outputs: { o: "1" } });
  });

  it("the root grants places to called workflows in turn with its own jobs", () => {
    const bench = new WorkflowBench([job("a")], { options: { maxJobs: 1 } });
    bench.send({ kind: "SlotAsked", from: "run-1/d", key: "d/inner" });
    expect(bench.commands.some(({ kind }) => kind === "GrantSlot")).toBe(false);
    bench.end("a");
    expect(bench.commands).toContainEqual({ kind: "GrantSlot", to: "run-1/d", key: "d/inner" });
  });

  it("may be nested four deep and no deeper", () => {
    const input = { call: { root: "run-1", key: "d", name: "d", host: "d", depth: 4, secrets: [] } };
    const bench = new WorkflowBench([call("e")], { called, input });
    expect(bench.finished("d/e")?.message).toContain("may be nested 4 deep");
  });

  it("a file that cannot be called fails its job with the reason", () => {
    const bench = new WorkflowBench([call("d")], { called: workflow([]) });
    expect(bench.finished("d")).toEqual({
      conclusion: "failure",
      message: '.github/workflows/test.yml cannot be called: it has no "on: workflow_call"',
    });
  });
});
