import { describe, expect, it } from "vitest";
import { post, pre } from "../fake-host.ts";
import { background, cancel, job, parallel, run, wait, waitAll } from "../fake-plans.ts";
import { JobBench } from "./job-bench.ts";
import { JobMachine } from "./job-machine.ts";

const failure = { outcome: "failure", message: "Process completed with exit code 1." } as const;

describe("foreground steps", () => {
  it("run one after the other, each at the position of what ended before", () => {
    const bench = new JobBench([run("a"), run("b")]);
    expect(bench.ran).toEqual(["a"]);
    bench.end("a");
    expect(bench.ran).toEqual(["a", "b"]);
    expect(bench.positions).toEqual(
      new Map([
        ["a", 0],
        ["b", 1],
      ]),
    );
    bench.end("b");
    expect(bench.outcome).toEqual({ conclusion: "success", outputs: {} });
  });

  it("after a failure only steps whose condition says so run, and the job fails", () => {
    const bench = new JobBench([run("a"), run("b"), run("c", { if: "failure()" })]);
    bench.end("a", failure);
    expect(bench.ran).toEqual(["a", "c"]);
    expect(bench.conclusion("b")).toBe("skipped");
    bench.end("c");
    expect(bench.outcome?.conclusion).toBe("failure");
  });

  it("a failure with continue-on-error has the outcome failure, the conclusion success, and the job goes on", () => {
    const bench = new JobBench([run("a"), run("b")], { tolerant: ["a"] }).end("a", failure);
    expect(bench.outcomeOf("a")).toBe("failure");
    expect(bench.conclusion("a")).toBe("success");
    expect(bench.ran).toEqual(["a", "b"]);
    expect(bench.end("b").outcome?.conclusion).toBe("success");
  });

  it("a step whose activity broke has failed, and says why", () => {
    const bench = new JobBench([run("a")]).send({ kind: "StepBroke", step: "a", failure: { type: "Error", message: "host gone" } });
    expect(bench.outcome?.conclusion).toBe("failure");
    expect(bench.facts).toContainEqual(expect.objectContaining({ kind: "StepFinished", step: "a", message: "host gone" }));
  });

  it("a job that cannot be opened fails with the reason and runs nothing", () => {
    const machine = new JobMachine({ plan: job("a"), literals: new Map(), maxBackground: 10, timeoutMinutes: 360 });
    machine.begin();
    const { commands } = machine.handle({ kind: "Opened", failure: { type: "Error", message: "no space" } });
    expect(commands).toEqual([{ kind: "CloseJob" }]);
    expect(machine.handle({ kind: "Closed" }).commands).toEqual([
      { kind: "Complete", outcome: { conclusion: "failure", outputs: {}, message: "no space" } },
    ]);
  });
});

describe("literal steps", () => {
  const all = new Map(["a", "b", "c"].map((key) => [key, { name: `Run ${key}`, continueOnError: key === "a" }]));
  const prepared = (bench: JobBench) => [...bench.positions.keys()];

  it("start when they are reached, under the name of the file, and carry what was published", () => {
    const bench = new JobBench([run("a"), run("b")], { literals: all });
    expect(bench.kinds("a")).toEqual(["StepReached", "StepStarted"]);
    expect(bench.facts).toContainEqual({ kind: "StepStarted", step: "a", name: "Run a" });
    bench.end("a", failure).end("b");
    expect(bench.conclusion("a")).toBe("success");
    expect(bench.published).toEqual([{ step: "a", outcome: "failure", conclusion: "success" }]);
    expect(prepared(bench)).toEqual([]);
    expect(bench.outcome?.conclusion).toBe("success");
  });

  it("are prepared once something has failed, and after a cancel", () => {
    const bench = new JobBench([run("b"), run("c")], { literals: all }).end("b", failure);
    expect(prepared(bench)).toEqual(["c"]);
    expect(bench.conclusion("c")).toBe("skipped");
    const cancelled = new JobBench([run("b"), run("c")], { literals: all }).cancelJob();
    expect(cancelled.cancelled).toEqual(["b"]);
    cancelled.cancelAnswered("b").end("b", { outcome: "cancelled" });
    expect(prepared(cancelled)).toEqual(["c"]);
    expect(cancelled.conclusion("c")).toBe("skipped");
  });

  it.each([
    ["a mask changes their name", { masked: ["b"] }, {}],
    ["a step has added a mask", {}, { masks: ["hidden"] }],
    ["an attempt was repeated: what the first one masked stands in no result", {}, { attempt: 2 }],
  ])("are prepared where %s", (_, more, ending) => {
    const bench = new JobBench([run("a"), run("b")], { literals: all, ...more }).end("a", ending);
    expect(prepared(bench)).toEqual(["b"]);
    expect(bench.end("b").outcome?.conclusion).toBe("success");
  });

  it("are prepared after an attempt without an end", () => {
    const bench = new JobBench([run("a"), run("b")], { literals: all });
    bench.send({ kind: "StepRan", step: "a", ran: { kind: "interrupted", attempt: 1, message: "interrupted" } });
    expect(prepared(bench)).toEqual(["b"]);
  });

  it("are prepared while a background step runs, which may add a mask at any time", () => {
    const bench = new JobBench([background("s"), run("a"), run("b"), waitAll("w")], { literals: all });
    expect(prepared(bench)).toEqual(["s", "a"]);
    bench.end("s").end("a");
    expect(prepared(bench)).toEqual(["s", "a"]);
    expect(bench.ran).toEqual(["s", "a", "b"]);
  });
});

describe("pre steps", () => {
  const pres = [pre("b"), pre("a"), { ...pre("a", "success()"), place: [1] }];

  it("B15: run first, in order, one after the other, also of background steps; what they publish is seen by the main steps", () => {
    const bench = new JobBench([background("b"), run("a")], { pres });
    expect(bench.ran).toEqual(["__pre_b"]);
    bench.end("__pre_b").end("__pre_a");
    expect(bench.ran).toEqual(["__pre_b", "__pre_a", "__pre_2_a"]);
    bench.end("__pre_2_a");
    expect(bench.ran.slice(3)).toEqual(["b", "a"]);
    expect(bench.positions.get("b")).toBe(3);
  });

  it("B15: one that fails fails the job; later ones and main steps go by their conditions", () => {
    const bench = new JobBench([background("b"), run("a"), run("c", { if: "always()" })], { pres });
    bench.end("__pre_b", failure).end("__pre_a");
    expect(bench.conclusion("__pre_2_a")).toBe("skipped");
    expect(["b", "a"].map((key) => bench.conclusion(key))).toEqual(["skipped", "skipped"]);
    expect(bench.end("c").outcome?.conclusion).toBe("failure");
  });

  it("B15: a post step runs where only its pre step did, and once where both registered it", () => {
    const bench = new JobBench([background("b"), run("a")], { pres });
    bench.end("__pre_b", { posts: [post("clean b")], outcome: "failure" }).end("__pre_a", { posts: [post("clean a")] });
    expect(bench.ran.slice(2)).toEqual(["__post_a"]);
    bench.end("__post_a").end("__post_b");
    expect(bench.outcome?.conclusion).toBe("failure");

    const both = new JobBench([run("a")], { pres: pres.slice(1) });
    both
      .end("__pre_a", { posts: [post("of pre")] })
      .end("__pre_2_a", { posts: [{ ...post("inner, of pre"), place: [1] }] })
      .end("a", { posts: [{ ...post("inner, later"), place: [2] }, post("of main")] });
    const added = both.facts.flatMap((fact) => (fact.kind === "PostAdded" ? [fact.post.name] : []));
    expect(added).toEqual(["inner, later", "inner, of pre", "of main"]);
  });

  it("a job that is cancelled in one runs those that always() holds, then no main step", () => {
    const bench = new JobBench([run("a")], { pres });
    bench.cancelJob();
    expect(bench.cancelled).toEqual([]);
    bench.end("__pre_b").end("__pre_a");
    expect(bench.conclusion("__pre_2_a")).toBe("skipped");
    expect(bench.outcome?.conclusion).toBe("cancelled");
    const forced = new JobBench([run("a")], { pres }).cancelJob(true);
    expect(forced.cancelled).toEqual(["__pre_b"]);
    forced.end("__pre_b", { outcome: "cancelled" });
    expect(forced.ran).toEqual(["__pre_b"]);
  });
});

describe("background steps", () => {
  it("B1: at most N at once, the others queued in order; foreground steps never wait for a slot", () => {
    const bench = new JobBench([background("a"), background("b"), background("c"), run("f"), waitAll("w")], { maxBackground: 1 });
    expect(bench.ran).toEqual(["a", "f"]);
    expect(bench.kinds("b")).toEqual(["StepReached", "StepQueued"]);
    bench.end("a");
    expect(bench.ran).toEqual(["a", "f", "b"]);
    bench.end("b");
    expect(bench.ran).toEqual(["a", "f", "b", "c"]);
  });

  it("B2: a queued step keeps the position at which it was reached", () => {
    const bench = new JobBench([background("a"), background("b"), run("f"), run("g"), waitAll("w")], { maxBackground: 1 });
    bench.end("f").end("g").end("a");
    expect(bench.ran).toEqual(["a", "f", "g", "b"]);
    expect(bench.positions.get("b")).toBe(0);
  });

  it("B4: nothing is published before the first wait that names the step; in a wait in listed order, then the next step sees it", () => {
    const bench = new JobBench([background("a"), background("b"), run("f"), wait("w", ["b", "a"]), run("g")]);
    bench.end("a").end("b").end("f");
    expect(bench.published.map(({ step }) => step)).toEqual(["f", "b", "a", "w"]);
    expect(bench.positions.get("g")).toBe(4);
  });

  it("B4: in a wait-all in start order", () => {
    const bench = new JobBench([background("a"), background("b"), waitAll("w"), run("g")]).end("b").end("a");
    expect(bench.published.map(({ step }) => step)).toEqual(["a", "b", "w"]);
  });

  it("B6: a failure changes nothing until a wait that includes it ends; then the wait and the job have failed", () => {
    const bench = new JobBench([background("a"), run("f"), wait("w", ["a"]), run("g"), run("h", { if: "failure()" })]);
    bench.end("a", failure);
    expect(bench.ran).toEqual(["a", "f"]);
    bench.end("f");
    expect(bench.conclusion("w")).toBe("failure");
    expect(bench.conclusion("g")).toBe("skipped");
    expect(bench.ran).toEqual(["a", "f", "h"]);
    expect(bench.end("h").outcome?.conclusion).toBe("failure");
  });

  it("B6: this also holds for a step that fails at once", () => {
    const bench = new JobBench([background("a"), run("f"), wait("w", ["a"])], { held: ["a"] });
    const failed = { type: "Error", message: "no shell" };
    bench.send({
      kind: "StepPrepared",
      step: "a",
      prepared: { verdict: "fail", name: "a", failure: failed, continueOnError: false, hashes: [] },
    });
    expect(bench.ran).toEqual(["f"]);
    bench.end("f");
    expect(bench.conclusion("w")).toBe("failure");
  });

  it("B7: continue-on-error on the background step: outcome failure, conclusion success, the wait succeeds", () => {
    const bench = new JobBench([background("a"), wait("w", ["a"])], { tolerant: ["a"] }).end("a", failure);
    expect(bench.outcomeOf("a")).toBe("failure");
    expect(bench.conclusion("w")).toBe("success");
    expect(bench.outcome?.conclusion).toBe("success");
  });

  it("B7: continue-on-error on the wait: its outcome is failure, its conclusion success, the job goes on", () => {
    const bench = new JobBench([background("a"), wait("w", ["a"], true), run("g")]).end("a", failure);
    expect(bench.outcomeOf("w")).toBe("failure");
    expect(bench.conclusion("w")).toBe("success");
    expect(bench.ran).toEqual(["a", "g"]);
    expect(bench.end("g").outcome?.conclusion).toBe("success");
  });

  it("B8: a foreground failure does not stop background steps; later ones with the default condition are skipped", () => {
    const bench = new JobBench([background("a"), run("f"), background("b"), waitAll("w")]).end("f", failure);
    expect(bench.cancelled).toEqual([]);
    expect(bench.conclusion("b")).toBe("skipped");
    expect(bench.outcome).toBeUndefined();
    expect(bench.end("a").outcome?.conclusion).toBe("failure");
  });

  it("B9: a skipped step is visible at once, and waiting for it succeeds immediately", () => {
    const bench = new JobBench([background("a", { if: "failure()" }), run("f"), wait("w", ["a"])]);
    expect(bench.published).toEqual([{ step: "a", outcome: "skipped" }]);
    bench.end("f");
    expect(bench.conclusion("w")).toBe("success");
  });

  it("B10: cancel ends it; the step is cancelled, the cancel step succeeds, the job's result is untouched", () => {
    const bench = new JobBench([background("a"), cancel("c", "a"), run("g")]);
    expect(bench.cancelled).toEqual(["a"]);
    bench.end("a", { outcome: "cancelled" });
    expect(bench.conclusion("c")).toBeUndefined();
    bench.cancelAnswered("a");
    expect([bench.conclusion("a"), bench.conclusion("c")]).toEqual(["cancelled", "success"]);
    expect(bench.end("g").outcome?.conclusion).toBe("success");
  });

  it("B10: if it had already failed, its failure counts for the job at this point, and nothing is signalled", () => {
    const bench = new JobBench([background("a"), run("f"), cancel("c", "a"), run("g")]).end("a", failure).end("f");
    expect(bench.cancelled).toEqual([]);
    expect(bench.conclusion("c")).toBe("success");
    expect(bench.conclusion("g")).toBe("skipped");
    expect(bench.outcome?.conclusion).toBe("failure");
  });

  it("B10: a process that cannot be ended fails the cancel step with its pid and reason, and never hangs it", () => {
    const bench = new JobBench([background("a"), cancel("c", "a")]).cancelAnswered("a", [{ pid: 42, reason: "no permission" }]);
    expect(bench.conclusion("c")).toBe("failure");
    expect(bench.facts).toContainEqual(
      expect.objectContaining({ step: "c", message: "These processes could not be ended: 42 (no permission)" }),
    );
    expect(bench.outcome?.conclusion).toBe("failure");
  });

  it("B10: a late end of a step that was given up changes nothing", () => {
    const bench = new JobBench([background("a"), cancel("c", "a"), run("g")]).cancelAnswered("a", [{ pid: 42, reason: "no permission" }]);
    bench.end("a", failure);
    expect(bench.conclusion("a")).toBe("cancelled");
  });

  it("B11: a queued step that is cancelled never starts; no processes, no post step", () => {
    const bench = new JobBench([background("a"), background("b"), cancel("c", "b"), waitAll("w")], { maxBackground: 1 });
    expect(bench.conclusion("b")).toBe("cancelled");
    expect(bench.conclusion("c")).toBe("success");
    expect(bench.cancelled).toEqual([]);
    bench.end("a");
    expect(bench.ran).toEqual(["a"]);
    expect(bench.outcome?.conclusion).toBe("success");
  });

  it("B13: waiting twice reports the same result again and publishes nothing a second time", () => {
    const bench = new JobBench([background("a"), wait("w", ["a"], true), wait("v", ["a"], true), run("g")]).end("a", failure);
    expect([bench.outcomeOf("w"), bench.outcomeOf("v")]).toEqual(["failure", "failure"]);
    expect(bench.published.map(({ step }) => step)).toEqual(["a", "w", "v"]);
    expect(bench.kinds("a").filter((kind) => kind === "StepFlushed")).toHaveLength(1);
  });

  it("B14: whatever still runs is awaited before post steps in any case", () => {
    const bench = new JobBench([background("a"), run("f")]).end("f", { posts: [post("clean")] });
    expect(bench.ran).toEqual(["a", "f"]);
    bench.end("a", failure);
    expect(bench.ran).toEqual(["a", "f", "__post_f"]);
    expect(bench.end("__post_f").outcome?.conclusion).toBe("failure");
  });

  it("B15: post steps run in the reverse order of declaration, not in the order in which the steps ended", () => {
    const bench = new JobBench([background("a"), run("f"), background("b"), waitAll("w")]);
    bench
      .end("f", { posts: [post("f1"), post("f2")] })
      .end("b", { posts: [post("b1")] })
      .end("a", { posts: [post("a1")] });
    bench.end("__post_b").end("__post_2_f").end("__post_f").end("__post_a");
    expect(bench.ran.slice(3)).toEqual(["__post_b", "__post_2_f", "__post_f", "__post_a"]);
    expect(bench.outcome?.conclusion).toBe("success");
  });

  it("B16: on job cancellation always() and cancelled() survive, the others are cancelled; control and post steps run", () => {
    const steps = [background("a"), background("b", { if: "always()" }), wait("w", ["a", "b"]), run("g"), run("h", { if: "cancelled()" })];
    const bench = new JobBench(steps).cancelJob();
    expect(bench.cancelled).toEqual(["a"]);
    bench
      .end("a", { outcome: "cancelled" })
      .cancelAnswered("a")
      .end("b", { posts: [post("clean")] });
    expect(bench.conclusion("w")).toBe("cancelled");
    expect(bench.conclusion("g")).toBe("skipped");
    bench.end("h").end("__post_b");
    expect(bench.outcome).toEqual({ conclusion: "cancelled", outputs: {}, message: "asked" });
  });

  it("B16: a step that was being prepared when the job was cancelled is looked at again", () => {
    const bench = new JobBench([run("a"), run("b", { if: "always()" })], { held: ["a"] }).cancelJob().prepared("a");
    expect(bench.conclusion("a")).toBe("skipped");
    expect(bench.ran).toEqual(["b"]);
  });

  it("B17: a step that was cancelled for another reason than its own cancel counts as cancelled for the job", () => {
    const bench = new JobBench([background("a"), wait("w", ["a"])]).end("a", { outcome: "cancelled" });
    expect(bench.conclusion("w")).toBe("cancelled");
    expect(bench.outcome?.conclusion).toBe("cancelled");
  });

  it("B18: members of parallel do not see their siblings, one failing does not stop the others, the group fails after all", () => {
    const bench = new JobBench([parallel("p", [run("a"), run("b")]), run("g", { if: "always()" })]);
    expect(bench.ran).toEqual(["a", "b"]);
    expect([bench.positions.get("a"), bench.positions.get("b")]).toEqual([0, 0]);
    bench.end("a", failure);
    expect(bench.conclusion("p")).toBeUndefined();
    bench.end("b");
    expect(bench.conclusion("p")).toBe("failure");
    expect(bench.facts.find((fact) => fact.kind === "StepStarted" && fact.step === "p")).toMatchObject({ name: "Parallel group" });
    expect(bench.end("g").outcome?.conclusion).toBe("failure");
  });

  it("B22: a wait prints what it waits for and each step's result; a cancel likewise", () => {
    const bench = new JobBench([background("a"), background("b"), background("c"), wait("w", ["a", "b"]), cancel("x", "c"), waitAll("z")]);
    bench.end("a").end("b", failure).end("c", { outcome: "cancelled" }).cancelAnswered("c");
    expect(bench.lines("w")).toEqual([
      "Waiting for background step(s) to complete: a, b",
      "Finished waiting for background step(s).",
      "a: success",
      "b: failure",
    ]);
    expect(bench.lines("x")).toEqual(["Cancelling background step(s): c", "Finished cancelling background step(s)."]);
    expect(bench.lines("z")).toEqual(["No background steps remaining to wait for."]);
  });
});

describe("limits of a job", () => {
  it("the grace of a cancellation ends with force: nothing holds any longer, nothing further runs", () => {
    const bench = new JobBench([run("a", { if: "always()" }), run("b", { if: "always()" })]).cancelJob();
    expect(bench.cancelled).toEqual([]);
    bench.cancelJob(true);
    expect(bench.cancelled).toEqual(["a"]);
    bench.end("a", { outcome: "cancelled" });
    expect(bench.ran).toEqual(["a"]);
    expect(bench.outcome?.conclusion).toBe("cancelled");
  });

  it("time counts only while the run is owned: a tick that fires a day late counts nothing", () => {
    const bench = new JobBench([run("a")], { timeoutMinutes: 10 });
    bench.send({ kind: "TimerFired", timer: "timeout", lateMs: 86_400_000 });
    for (let tick = 0; tick < 59; tick++) bench.send({ kind: "TimerFired", timer: "timeout", lateMs: 0 });
    expect(bench.cancelled).toEqual([]);
    bench.send({ kind: "TimerFired", timer: "timeout", lateMs: 0 });
    expect(bench.cancelled).toEqual(["a"]);
    bench.end("a", { outcome: "cancelled" });
    expect(bench.outcome).toMatchObject({
      conclusion: "timed_out",
      message: "The job has exceeded the maximum execution time of 10 minutes.",
    });
  });

  it("an interrupted step fails or starts the job over, by policy", () => {
    const failed = new JobBench([run("a")]).send({ kind: "StepRan", step: "a", ran: { kind: "interrupted", attempt: 1, message: "gone" } });
    expect(failed.outcome?.conclusion).toBe("failure");
    const again = new JobBench([run("a")]).send({ kind: "StepRan", step: "a", ran: { kind: "start-over" } });
    expect(again.isStartedOver).toBe(true);
    expect(again.outcome).toBeUndefined();
  });
});
