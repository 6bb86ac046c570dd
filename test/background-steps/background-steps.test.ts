import { describe, expect, it } from "vitest";
import { FileRun, isAlive } from "./bench.ts";

describe("background steps with real processes", () => {
  it("B1: at most N execute at once, the others are queued in order; foreground steps never wait for a slot", async () => {
    const run = await FileRun.open(
      `
- { id: a, background: true, run: 'read x < $BARRIERS/go; echo a' }
- { id: b, background: true, run: 'echo b' }
- { id: f, run: 'echo > $BARRIERS/reached' }
- { wait-all: }
`,
      { options: { maxBackground: 1 } },
    );
    await using _ = run;
    const go = run.barrier("go");
    await run.bench.start();
    await run.made("reached");
    expect(run.step("b")).toMatchObject({ status: "queued", startedAt: null });
    go.open();
    expect((await run.bench.outcome()).conclusion).toBe("success");
    expect(Date.parse(run.step("b").startedAt ?? "")).toBeGreaterThanOrEqual(Date.parse(run.step("a").endedAt ?? ""));
  });

  it("B2: if, env, name and run are those of the moment in which the step is reached, also if it then waits for a slot", async () => {
    const run = await FileRun.open(
      `
- { id: a, background: true, run: 'read x < $BARRIERS/go' }
- { id: b, background: true, name: 'B sees \${{ env.WHO || ''nobody'' }}', run: 'echo "run \${WHO:-nobody}" "\${{ steps.f.outputs.x }}."' }
- { id: f, run: 'echo WHO=late >> $GITHUB_ENV; echo x=late >> $GITHUB_OUTPUT; echo > $BARRIERS/reached' }
- { wait-all: }
`,
      { options: { maxBackground: 1 } },
    );
    await using _ = run;
    const go = run.barrier("go");
    await run.bench.start();
    await run.made("reached");
    await run.bench.until((event) => event.type === "step.finished" && event.step === "f");
    go.open();
    await run.bench.outcome();
    expect(run.step("b").name).toBe("B sees nobody");
    expect(run.printed("b")).toContain("run nobody .");
  });

  it("B3: expiry of the timeout is a failure that says so, to which continue-on-error applies", async () => {
    await using run = await FileRun.run(`
- { id: a, background: true, timeout-minutes: 0.005, run: 'exec sleep 1000' }
- { id: b, background: true, timeout-minutes: 0.005, continue-on-error: true, run: 'exec sleep 1000' }
- { id: w, wait: b }
- { id: v, wait: a }
`);
    expect(run.step("a")).toMatchObject({ outcome: "failure", conclusion: "failure" });
    expect(run.step("a").message).toMatch(/timed out after 0.005 minutes/);
    expect(run.step("b")).toMatchObject({ outcome: "failure", conclusion: "success" });
    expect([run.step("w").conclusion, run.step("v").conclusion]).toEqual(["success", "failure"]);
    expect(run.outcome.conclusion).toBe("failure");
  });

  it("B4: outputs, env, path and outcome become visible at the wait, in listed order, the later writer wins; not before", async () => {
    await using run = await FileRun.run(`
- { id: a, background: true, run: 'echo x=1 >> $GITHUB_OUTPUT; echo WHO=a >> $GITHUB_ENV; echo /opt/a >> $GITHUB_PATH; echo > $BARRIERS/a' }
- { id: b, background: true, run: 'echo WHO=b >> $GITHUB_ENV; echo > $BARRIERS/b' }
- { id: f, run: 'until [ -e $BARRIERS/a ] && [ -e $BARRIERS/b ]; do sleep 0.01; done; echo "[\${{ steps.a.outputs.x }}\${{ steps.a.outcome }}\${WHO:-}]"; case $PATH in *opt/a*) echo leak;; esac' }
- { wait: [b, a] }
- { id: g, run: 'echo "[\${{ steps.a.outputs.x }} \${{ steps.a.outcome }} $WHO \${PATH%%:*}]"' }
`);
    expect(run.outcome.conclusion).toBe("success");
    expect(run.printed("f")).toContain("[]");
    expect(run.printed("f")).not.toContain("leak");
    expect(run.printed("g")).toContain("[1 success a /opt/a]");
  });

  it("B5: deferral covers everything below the step: a composite action's inner env, path and outputs", async () => {
    await using run = await FileRun.run(`
- run: |
    mkdir act
    cat > act/action.yml <<'END'
    name: act
    outputs: { x: { value: "@{{ steps.inner.outputs.x }}" } }
    runs:
      using: composite
      steps:
        - { id: inner, shell: bash, run: 'echo x=1 >> $GITHUB_OUTPUT; echo WHO=inner >> $GITHUB_ENV' }
        - { shell: bash, run: 'echo "inside $WHO"; echo > $BARRIERS/inner' }
    END
    sed -i 's/@/$/' act/action.yml
- { id: a, background: true, uses: ./act }
- { id: f, run: 'until [ -e $BARRIERS/inner ]; do sleep 0.01; done; echo "[\${WHO:-}]"' }
- { wait: a }
- { id: g, run: 'echo "[$WHO \${{ steps.a.outputs.x }}]"' }
`);
    expect(run.outcome.conclusion).toBe("success");
    expect(run.printed("a")).toContain("inside inner");
    expect(run.printed("f").trim()).toBe("[]");
    expect(run.printed("g").trim()).toBe("[inner 1]");
  });

  it("B6, B8: a failure counts when it is waited for; then failure() is true and success() false", async () => {
    await using run = await FileRun.run(`
- { id: a, background: true, run: 'exit 3' }
- { id: f, run: 'echo still' }
- { id: w, wait: a }
- { id: g, run: 'echo never' }
- { id: h, background: true, run: 'echo never' }
- { id: i, if: failure(), run: 'echo "\${{ job.status }}"' }
`);
    expect(run.step("a")).toMatchObject({ exitCode: 3, message: "Process completed with exit code 3." });
    expect(["f", "w", "g", "h", "i"].map((key) => run.step(key).conclusion)).toEqual([
      "success",
      "failure",
      "skipped",
      "skipped",
      "success",
    ]);
    expect(run.printed("i")).toContain("failure");
    expect(run.outcome.conclusion).toBe("failure");
  });

  it("B6: this also holds for a step that fails at once (bad shell)", async () => {
    await using run = await FileRun.run(`
- { id: a, background: true, shell: 'no-such-shell {0}', run: ':' }
- { id: f, run: ':' }
- { id: w, wait: a }
`);
    expect(["a", "f", "w"].map((key) => run.step(key).conclusion)).toEqual(["failure", "success", "failure"]);
  });

  it("B7: continue-on-error on the wait: outcome failure, conclusion success, the job goes on", async () => {
    await using run = await FileRun.run(`
- { id: a, background: true, run: 'exit 1' }
- { id: w, wait: a, continue-on-error: true }
- { id: g, run: 'echo "\${{ steps.w.outcome }} \${{ steps.w.conclusion }}"' }
`);
    expect(run.printed("g")).toContain("failure success");
    expect(run.outcome.conclusion).toBe("success");
  });

  it("B9: a skipped step has outcome and conclusion skipped at once; waiting for it succeeds immediately", async () => {
    await using run = await FileRun.run(`
- { id: a, background: true, if: false, run: 'exit 1' }
- { id: f, run: 'echo "\${{ steps.a.outcome }} \${{ steps.a.conclusion }}"' }
- { id: w, wait: a }
`);
    expect(run.printed("f")).toContain("skipped skipped");
    expect([run.step("w").conclusion, run.outcome.conclusion]).toEqual(["success", "success"]);
  });

  it("B10: cancel ends the whole group, the stubborn and the escaped too; the job's result is untouched", async () => {
    await using run = await FileRun.run(`
- id: server
  background: true
  run: |
    trap '' INT TERM
    setsid env -i sleep 1000 &
    echo $! > $BARRIERS/escaped.new
    (trap '' INT TERM; while :; do sleep 1000; done) &
    echo $! > $BARRIERS/stubborn.new
    mv $BARRIERS/escaped.new $BARRIERS/escaped; mv $BARRIERS/stubborn.new $BARRIERS/stubborn
    while :; do sleep 1000; done
- { id: f, run: 'until [ -e $BARRIERS/stubborn ]; do sleep 0.01; done' }
- { id: c, cancel: server }
- { id: g, run: 'for f in escaped stubborn; do kill -0 $(cat $BARRIERS/$f) 2>/dev/null && echo "$f lives"; done; echo checked' }
`);
    expect(["server", "c", "g"].map((key) => run.step(key).conclusion)).toEqual(["cancelled", "success", "success"]);
    expect(run.printed("g").trim().split("\n").at(-1)).toBe("checked");
    expect(run.printed("g")).not.toContain("lives");
    expect(isAlive(Number(await run.made("stubborn")))).toBe(false);
    expect(run.outcome.conclusion).toBe("success");
  });

  it("B10: a step that had already ended is not signalled; if it had failed, that counts for the job now", async () => {
    const run = await FileRun.open(`
- { id: a, background: true, run: 'exit 1' }
- { id: f, run: 'read x < $BARRIERS/go' }
- { id: c, cancel: a }
- { id: g, run: ':' }
`);
    await using _ = run;
    const go = run.barrier("go");
    await run.bench.start();
    await run.bench.until((event) => event.type === "step.finished" && event.step === "a");
    go.open();
    expect((await run.bench.outcome()).conclusion).toBe("failure");
    expect(["a", "c", "g"].map((key) => run.step(key).conclusion)).toEqual(["failure", "success", "skipped"]);
  });

  it("B11: a queued step that is cancelled never starts", async () => {
    const steps = `
- { id: a, background: true, run: 'exec sleep 1000' }
- { id: b, background: true, run: 'echo > $BARRIERS/b' }
- { id: c, cancel: b }
- { id: d, cancel: a }
- { id: f, run: 'test ! -e $BARRIERS/b' }
`;
    await using run = await FileRun.run(steps, { options: { maxBackground: 1 } });
    expect(["a", "b", "c", "d", "f"].map((key) => run.step(key).conclusion)).toEqual([
      "cancelled",
      "cancelled",
      "success",
      "success",
      "success",
    ]);
    expect(run.step("b")).toMatchObject({ startedAt: null, attempt: 0 });
  });

  it("B12: cancel reaches inside a composite action: the running inner step is cancelled, the following ones do not start", async () => {
    await using run = await FileRun.run(`
- run: |
    mkdir act
    cat > act/action.yml <<'END'
    name: act
    runs:
      using: composite
      steps:
        - { shell: bash, run: 'echo > $BARRIERS/first; exec sleep 1000' }
        - { shell: bash, if: always(), run: 'echo > $BARRIERS/second' }
    END
- { id: a, background: true, uses: ./act }
- { run: 'until [ -e $BARRIERS/first ]; do sleep 0.01; done' }
- { id: c, cancel: a }
- { id: g, run: 'test ! -e $BARRIERS/second' }
`);
    expect(["a", "c", "g"].map((key) => run.step(key).conclusion)).toEqual(["cancelled", "success", "success"]);
  });

  it("B13: waiting twice publishes nothing a second time: values written since are not overwritten", async () => {
    await using run = await FileRun.run(`
- { id: a, background: true, run: 'echo WHO=a >> $GITHUB_ENV' }
- { id: w, wait: a }
- { run: 'echo WHO=later >> $GITHUB_ENV' }
- { id: v, wait: a }
- { id: g, run: 'echo "[$WHO]"' }
`);
    expect(run.printed("g")).toContain("[later]");
    expect([run.step("w").conclusion, run.step("v").conclusion]).toEqual(["success", "success"]);
  });

  it("B14: an implicit wait-all stands in plan and timeline, named for what it does", async () => {
    await using run = await FileRun.run(`
- { id: a, background: true, run: 'exit 1' }
- { id: f, run: ':' }
`);
    const last = run.bench.view().jobs[0]?.steps.at(-1);
    expect(last).toMatchObject({ kind: "wait-all", name: "Wait for all background steps", conclusion: "failure" });
    expect(run.outcome.conclusion).toBe("failure");
  });

  it("B15: post steps run last, in the reverse order of declaration, not in the order in which the steps started", async () => {
    await using run = await FileRun.run(`
- run: |
    mkdir act
    echo 'require("fs").appendFileSync(process.env.GITHUB_STATE, "who=" + process.env.INPUT_WHO + "\\n")' > act/main.js
    echo 'require("fs").appendFileSync(process.env.BARRIERS + "/order", process.env.STATE_who)' > act/post.js
    echo '{ name: act, inputs: { who: { required: true } }, runs: { using: node24, main: main.js, post: post.js } }' > act/action.yml
- { id: a, background: true, uses: ./act, with: { who: a } }
- { wait: a }
- { id: b, background: true, uses: ./act, with: { who: b } }
- { id: f, uses: ./act, with: { who: f } }
`);
    expect(run.outcome.conclusion).toBe("success");
    expect(await run.made("order")).toBe("fba");
    const posts = run.bench.view().jobs[0]?.steps.filter(({ kind }) => kind === "post");
    expect(posts?.map(({ parent, conclusion }) => [parent, conclusion])).toEqual([
      ["f", "success"],
      ["b", "success"],
      ["a", "success"],
    ]);
  });

  it("B16, B17: on job cancellation always() survives, the others are cancelled, control steps still run", async () => {
    const run = await FileRun.open(`
- { id: a, background: true, run: 'exec sleep 1000' }
- { id: b, background: true, if: always(), run: 'echo > $BARRIERS/b; read x < $BARRIERS/go' }
- { id: f, run: 'echo > $BARRIERS/f; exec sleep 1000' }
- { id: w, wait: [a, b] }
- { id: g, run: ':' }
- { id: h, if: cancelled(), run: 'echo cleaning' }
`);
    await using _ = run;
    const go = run.barrier("go");
    await run.bench.start();
    await Promise.all([run.made("b"), run.made("f")]);
    await run.bench.cancel();
    await run.bench.until((event) => event.type === "step.finished" && event.step === "a");
    expect(run.step("b").status).toBe("in_progress");
    go.open();
    expect((await run.bench.outcome()).conclusion).toBe("cancelled");
    expect(["a", "b", "f", "w", "g", "h"].map((key) => run.step(key).conclusion)).toEqual([
      "cancelled",
      "success",
      "cancelled",
      "cancelled",
      "skipped",
      "success",
    ]);
  });

  it("B18: members of parallel do not see their siblings; one failing does not stop the others; the group fails after all", async () => {
    await using run = await FileRun.run(`
- parallel:
    - { id: a, run: 'echo x=1 >> $GITHUB_OUTPUT; exit 1' }
    - { id: b, run: 'echo "[\${{ steps.a.outcome }}]"; sleep 0.2; echo done' }
- { id: g, if: always(), run: 'echo "[\${{ steps.a.outcome }} \${{ steps.b.outcome }}]"' }
`);
    const group = run.bench.view().jobs[0]?.steps.find(({ kind }) => kind === "parallel");
    expect(group).toMatchObject({ name: "Parallel group", conclusion: "failure" });
    expect(run.step("b")).toMatchObject({ conclusion: "success", group: group?.key, background: true });
    expect(run.printed("b")).toMatch(/\[\]\n[\s\S]*done/);
    expect(run.printed("g")).toContain("[failure success]");
  });

  it("B19: each step has its own command files and its own stop-commands state; FOO and foo are two variables", async () => {
    await using run = await FileRun.run(`
- { id: a, background: true, run: 'echo "::stop-commands::t"; echo "::error::quiet"; echo FOO=1 >> $GITHUB_ENV; echo $GITHUB_ENV > $BARRIERS/a' }
- { id: b, background: true, run: 'echo "::notice::loud"; echo foo=2 >> $GITHUB_ENV; echo $GITHUB_ENV > $BARRIERS/b' }
- { wait-all: }
- { id: g, run: 'echo "[$FOO $foo]"; cmp -s $BARRIERS/a $BARRIERS/b || echo apart' }
`);
    expect(run.step("a").annotations).toEqual([]);
    expect(run.step("b").annotations).toMatchObject([{ level: "notice", message: "loud" }]);
    expect(run.printed("g")).toContain("[1 2]");
    expect(run.printed("g")).toContain("apart");
  });

  it("B22: a wait prints what it waits for and each step's result; waited, ran and blocked are told apart", async () => {
    await using run = await FileRun.run(`
- { id: a, name: A, background: true, run: 'sleep 0.2' }
- { id: b, name: B, background: true, run: ':' }
- { id: w, wait: [a, b] }
- { id: z, wait-all: }
`);
    expect(run.lines("w")).toEqual([
      "Waiting for background step(s) to complete: A, B",
      "Finished waiting for background step(s).",
      "A: success",
      "B: success",
    ]);
    expect(run.lines("z")).toEqual(["No background steps remaining to wait for."]);
    const { timing } = run.step("w");
    expect(timing.ranMs).toBe(0);
    expect(timing.blockedMs).toBeGreaterThan(0);
    expect(run.step("a").timing).toMatchObject({ blockedMs: 0 });
  });
});
