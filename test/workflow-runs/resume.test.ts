import { describe, expect, it } from "vitest";
import type { CommittedEvents } from "../../src/loops/engine.ts";
import { asExecutionId, asInstanceId } from "../../src/model/ids.ts";
import { MemoryState } from "../../src/store/memory/memory-state.ts";
import { openMemoryStore } from "../../src/store/memory/memory-store.ts";
import { fakeExpressions } from "../../src/workflow/run/fake-expressions.ts";
import { FakeHost, type FakeStep, fakeResult, post, pre } from "../../src/workflow/run/fake-host.ts";
import { background, job, run, waitAll, workflow } from "../../src/workflow/run/fake-plans.ts";
import { fakeRecords, PLAN, RUN_ID } from "../../src/workflow/run/fake-records.ts";
import { createRunProjector } from "../../src/workflow/view/run-projector.ts";
import { RunBench, type RunBenchOptions } from "./run-bench.ts";

const JOB = "run-1/a";
const neverEnds: FakeStep = () => new Promise(() => {});
const plan = workflow([job("a", { steps: [run("one"), run("two"), run("three")] })]);

/** A process that dies while `two` runs: its store is fenced by the next one, its step never ends. */
async function diesInTwo(more: Partial<RunBenchOptions> = {}) {
  const state = new MemoryState();
  const inTwo = Promise.withResolvers<void>();
  const host = new FakeHost({
    steps: {
      one: () => ({ outputs: { x: "1" } }),
      two: () => {
        inTwo.resolve();
        return new Promise(() => {});
      },
    },
  });
  const first = await RunBench.open({ plan, host, store: await openMemoryStore({ state }), ...more });
  await first.start();
  await inTwo.promise;
  return { state, first };
}

async function goesOn(state: MemoryState, host: FakeHost, more: Partial<RunBenchOptions> = {}) {
  const bench = await RunBench.open({ plan, host, store: await openMemoryStore({ state }), ...more });
  return { bench, outcome: await bench.outcome() };
}

describe("a resumed run", () => {
  it("B15: goes on after the pre steps that ended, attempts the interrupted one again, and gives main and post their state", async () => {
    const state = new MemoryState();
    const inPre = Promise.withResolvers<void>();
    const pres = [pre("one"), pre("two")];
    const saved = { token: { sealed: "c2VhbGVk" } };
    const first = new FakeHost({
      pres,
      steps: {
        __pre_one: () => ({ state: saved, posts: [post("of pre one")] }),
        __pre_two: (attempt) => (inPre.resolve(), neverEnds(attempt)),
      },
    });
    await (await RunBench.open({ plan, host: first, store: await openMemoryStore({ state }) })).start();
    await inPre.promise;
    const requests: Parameters<FakeStep>[0]["request"][] = [];
    const note: FakeStep = ({ request }) => (requests.push(request), { outcome: request.step === "one" ? "failure" : "success" });
    // What the new host finds is not asked for: history says what there is.
    const host = new FakeHost({ pres: [], steps: { __pre_two: note, one: note, __post_one: note } });
    const leftovers = { ended: [], interrupted: [{ job: "a", step: "__pre_two", attempt: 1, killed: 0 }] };
    const { bench, outcome } = await goesOn(state, host, { leftovers });
    await using _ = bench;
    expect(outcome.conclusion).toBe("failure");
    expect(host.calls.filter((call) => call.startsWith("run "))).toEqual(["run a/__pre_two #2", "run a/one #1", "run a/__post_one #1"]);
    expect(requests).toMatchObject([
      { attempt: 2, pre: { main: "two", place: [] } },
      { step: "one", states: [{ place: [], state: saved }] },
      { post: { main: "one", name: "of pre one" } },
    ]);
  });

  it("attempts an interrupted step again, tells the new host everything from position 0, and repeats nothing that ended", async () => {
    const { state } = await diesInTwo();
    const seen: Parameters<FakeStep>[0]["published"][] = [];
    const host = new FakeHost({
      steps: {
        two: ({ published }) => {
          seen.push(published);
          return {};
        },
      },
    });
    const leftovers = { ended: [], interrupted: [{ job: "a", step: "two", attempt: 1, killed: 0 }] };
    const { bench, outcome } = await goesOn(state, host, { leftovers });
    await using _ = bench;
    expect(outcome.conclusion).toBe("success");
    expect(host.calls).toEqual(["open a", "run a/two #2", "prepare a/three", "run a/three #1", "close a"]);
    expect(seen[0]?.map(({ step, outputs }) => [step, outputs])).toEqual([["one", { x: "1" }]]);
  });

  it("takes the end of a step from the spool, and never runs it again", async () => {
    const { state } = await diesInTwo();
    const host = new FakeHost();
    const leftovers = { ended: [{ job: "a", step: "two", result: fakeResult({ outputs: { y: "2" } }) }], interrupted: [] };
    const { bench, outcome } = await goesOn(state, host, { leftovers });
    await using _ = bench;
    expect(outcome.conclusion).toBe("success");
    expect(host.calls).toEqual(["open a", "run a/three #1", "close a"]);
  });

  it("runs a step that never began as the same attempt", async () => {
    const { state } = await diesInTwo();
    const host = new FakeHost();
    const { bench } = await goesOn(state, host);
    await using _ = bench;
    expect(host.calls).toContain("run a/two #1");
  });

  it("--on-interrupt fail: the interrupted step has failed", async () => {
    const { state } = await diesInTwo();
    const host = new FakeHost();
    const leftovers = { ended: [], interrupted: [{ job: "a", step: "two", attempt: 1, killed: 2 }] };
    const { bench, outcome } = await goesOn(state, host, { leftovers, options: { onInterrupt: "fail" } });
    await using _ = bench;
    expect(outcome.conclusion).toBe("failure");
    expect(host.calls).toEqual(["open a", "prepare a/three", "close a"]);
    const history = await readAll(bench);
    const view = project(history);
    expect(view.jobs[0]?.steps.find(({ key }) => key === "two")).toMatchObject({
      attempt: 1,
      conclusion: "failure",
      message: "The step was interrupted in attempt 1 by the end of the engine; it is not attempted again (--on-interrupt fail).",
    });
  });

  it("--on-interrupt rerun-job: the whole job starts over, in a workspace of its own", async () => {
    const { state } = await diesInTwo();
    const host = new FakeHost();
    const leftovers = { ended: [], interrupted: [{ job: "a", step: "two", attempt: 1, killed: 0 }] };
    const { bench, outcome } = await goesOn(state, host, { leftovers, options: { onInterrupt: "rerun-job" } });
    await using _ = bench;
    expect(outcome.conclusion).toBe("success");
    const again = host.calls.slice(host.calls.indexOf("open a.r2"));
    expect(again.filter((call) => call.startsWith("run"))).toEqual(["run a.r2/one #1", "run a.r2/two #1", "run a.r2/three #1"]);
  });

  it("B21: an interrupted background step that overlapped ended ones begins again before anything else", async () => {
    const steps = [background("server"), run("one"), run("two"), run("three"), waitAll("w")];
    const state = new MemoryState();
    const inTwo = Promise.withResolvers<void>();
    const two: FakeStep = () => {
      inTwo.resolve();
      return new Promise(() => {});
    };
    const overlapping = workflow([job("a", { steps })]);
    const first = await RunBench.open({
      plan: overlapping,
      host: new FakeHost({ steps: { server: neverEnds, two } }),
      store: await openMemoryStore({ state }),
    });
    await first.start();
    await inTwo.promise;
    const host = new FakeHost();
    const interrupted = ["two", "server"].map((step) => ({ job: "a", step, attempt: 1, killed: 0 }));
    const { bench } = await goesOn(state, host, {
      plan: overlapping,
      leftovers: { ended: [], interrupted },
      first: [{ job: "a", step: "server" }],
    });
    await using _ = bench;
    expect(host.calls.filter((call) => call.startsWith("run"))).toEqual(["run a/server #2", "run a/two #2", "run a/three #1"]);
  });

  it("looks the same from its histories as it looked live, event for event", async () => {
    await using bench = await RunBench.open({ plan, host: new FakeHost() });
    await bench.run();
    const history = await readAll(bench);
    expect(project(history)).toEqual(bench.view());
    const records = fakeRecords({ plans: { [PLAN]: plan } });
    const again = createRunProjector({ runId: RUN_ID, root: RUN_ID, records, expressions: fakeExpressions }).apply(history);
    const bySource = (events: typeof again) => events.toSorted((a, b) => key(a).localeCompare(key(b)));
    expect(bySource(again)).toEqual(bySource(bench.projected));
  });
});

const key = ({ source, event }: { readonly source: { readonly instanceId: string; readonly position: number }; readonly event: object }) =>
  `${source.instanceId} ${String(source.position).padStart(6, "0")} ${JSON.stringify(event)}`;

async function readAll(bench: RunBench): Promise<readonly CommittedEvents[]> {
  return Promise.all(
    [RUN_ID, JOB].map(async (id) => {
      const events = await bench.engine.history(id);
      const started = events.find((event) => event.kind === "ExecutionStarted");
      return { instanceId: asInstanceId(id), executionId: started?.executionId ?? asExecutionId(""), from: 0, events };
    }),
  );
}

function project(history: readonly CommittedEvents[]) {
  const records = fakeRecords({ plans: { [PLAN]: plan } });
  const projector = createRunProjector({ runId: RUN_ID, root: RUN_ID, records, expressions: fakeExpressions });
  projector.apply(history);
  return projector.view();
}
