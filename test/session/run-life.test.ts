import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { RunSession } from "../../src/cli/session/session.ts";
import type { StreamedEvent } from "../../src/model/run-view.ts";
import { Killable } from "./killable.ts";
import { NO_SECRETS, Sandbox } from "./sandbox.ts";

let sandbox: Sandbox;
beforeEach(() => {
  sandbox = new Sandbox();
});
afterEach(() => sandbox[Symbol.dispose]());

function hear(run: RunSession): StreamedEvent[] {
  const heard: StreamedEvent[] = [];
  run.onEvent((event) => heard.push(event));
  return heard;
}

/** Resolves with the first event that fits. */
function when(run: RunSession, fits: (event: StreamedEvent) => boolean): Promise<StreamedEvent> {
  return new Promise((resolve) => run.onEvent((event) => fits(event) && resolve(event)));
}

const says = (text: string) => (event: StreamedEvent) => event.type === "step.log" && event.text === text;

const TWO_JOBS = `
on: push
jobs:
  a:
    runs-on: ubuntu-latest
    outputs: { x: "\${{ steps.s.outputs.x }}" }
    steps:
      - id: s
        run: |
          echo "x=1" >> $GITHUB_OUTPUT
          echo "ran a" >> "$HOME/ran"
  b:
    needs: a
    runs-on: ubuntu-latest
    steps:
      - run: |
          echo "got \${{ needs.a.outputs.x }}"
          echo "ran b" >> "$HOME/ran"
          test -f "$HOME/ok"
`;

describe("a run", () => {
  test("tells everything once and in order, and a reader finds the same afterwards", async () => {
    const sessions = await sandbox.sessions();
    const run = await sessions.start(await sandbox.request(TWO_JOBS));
    const heard = hear(run);
    const outcome = await run.done;
    expect(outcome).toMatchObject({ exitCode: 1, status: "completed", conclusion: "failure" });
    expect(heard.map(({ seq }) => seq)).toEqual(heard.map((_event, index) => index));
    expect(heard[0]).toMatchObject({ type: "run.started", runId: run.runId });
    expect(heard[1]).toMatchObject({ type: "run.notice", message: "first of all" });
    expect(heard.at(-1)).toMatchObject({ type: "run.finished", conclusion: "failure" });
    expect(heard.some(says("got 1"))).toBe(true);

    await using reader = await sessions.read((await sessions.find("latest")).id);
    expect(reader.summary).toMatchObject({ status: "completed", conclusion: "failure", pid: null });
    expect(await reader.view()).toEqual(outcome.view);
    expect(await Array.fromAsync(reader.events({ fromSeq: 3 }))).toEqual(heard.slice(3));
  });

  test("is repeated with its failed jobs alone; the others keep their outputs, steps and logs", async () => {
    const sessions = await sandbox.sessions();
    const first = await sessions.start(await sandbox.request(TWO_JOBS));
    const { view } = await first.done;
    sandbox.write("../home/ok", "");
    const again = await sessions.rerun({ runId: first.runId, secrets: NO_SECRETS, failedOnly: true, fresh: false });
    const heard = hear(again);
    const outcome = await again.done;
    expect(outcome.conclusion).toBe("success");
    expect(sandbox.read("home/ran")).toBe("ran a\nran b\nran b\n");
    expect(heard.some(says("got 1"))).toBe(true);
    const [a] = outcome.view.jobs;
    expect(a?.steps).toEqual(view.jobs[0]?.steps);
    await sessions.remove(first.runId);
    expect(existsSync(join(again.directory, a?.steps[1]?.log?.file ?? "none"))).toBe(true);
    expect((await sessions.list()).map(({ id }) => id)).toEqual([again.runId]);
  });

  test("is cancelled from elsewhere, and its always() steps still run", async () => {
    const sessions = await sandbox.sessions();
    const run = await sessions.start(
      await sandbox.request(`
on: push
jobs:
  a:
    runs-on: ubuntu-latest
    steps:
      - run: echo begun; sleep 60
      - if: always()
        run: echo cleaned
`),
    );
    const heard = hear(run);
    await when(run, says("begun"));
    await using reader = await (await sandbox.sessions()).read(run.runId);
    expect(await reader.view()).toMatchObject({ status: "in_progress" });
    const followed = Array.fromAsync(reader.events({ follow: true }));
    expect(await (await sandbox.sessions()).cancel(run.runId)).toBe("requested");
    expect(await run.done).toMatchObject({ exitCode: 3, conclusion: "cancelled" });
    expect(heard.some(says("cleaned"))).toBe(true);
    expect(await followed).toEqual(heard);
  });

  test("that is interrupted goes on from the step, and the stream goes on counting", async () => {
    const sessions = await sandbox.sessions();
    const run = await sessions.start(
      await sandbox.request(`
on: push
jobs:
  a:
    runs-on: ubuntu-latest
    steps:
      - run: echo one >> "$HOME/ran"
      - run: |
          echo two >> "$HOME/ran"
          echo begun
          test -f "$HOME/ok" || sleep 60
      - run: echo three >> "$HOME/ran"
`),
    );
    const before = hear(run);
    await when(run, says("begun"));
    await run.interrupt();
    const interrupted = await run.done;
    expect(interrupted).toMatchObject({ exitCode: 130, status: "interrupted", view: { status: "interrupted" } });
    expect(await sessions.list()).toMatchObject([{ id: run.runId, status: "interrupted", pid: null }]);
    expect(before.some(({ type }) => type === "run.finished")).toBe(false);

    sandbox.write("../home/ok", "");
    sandbox.write(".github/workflows/ci.yml", "changed: since");
    const resumed = await sessions.resume({ runId: run.runId, secrets: NO_SECRETS });
    const after = hear(resumed);
    expect(await resumed.done).toMatchObject({ exitCode: 0, conclusion: "success" });
    expect(after[0]).toMatchObject({ type: "run.resumed", seq: before.length });
    expect(after[1]).toMatchObject({ type: "run.notice", message: expect.stringContaining("ci.yml") });
    expect([...before, ...after].map(({ seq }) => seq)).toEqual([...before, ...after].map((_event, index) => index));
    expect(sandbox.read("home/ran")).toBe("one\ntwo\ntwo\nthree\n");
    await expect(sessions.resume({ runId: run.runId, secrets: NO_SECRETS })).rejects.toThrow(/has ended/);
  });

  test("that was killed between its last word and the note of its end has nothing left to do, and that word stays the last", async () => {
    const sessions = await sandbox.sessions();
    const run = await sessions.start(
      await sandbox.request("on: push\njobs: { a: { runs-on: ubuntu-latest, steps: [{ run: echo one }] } }\n"),
    );
    const told = hear(run);
    await run.done;
    const file = join(run.directory, "run.json");
    const { end: _, ...record } = JSON.parse(readFileSync(file, "utf8")) as { readonly end: unknown };
    writeFileSync(file, JSON.stringify(record));
    const resumed = await sessions.resume({ runId: run.runId, secrets: NO_SECRETS });
    expect(await resumed.done).toMatchObject({ exitCode: 0, conclusion: "success" });
    await using reader = await sessions.read(run.runId);
    expect(await Array.fromAsync(reader.events({}))).toEqual(told);
    await expect(sessions.resume({ runId: run.runId, secrets: NO_SECRETS })).rejects.toThrow(/has ended/);
  });
});

describe("secrets", () => {
  const SECRET = "correct-horse-battery";
  const given = { values: { TOKEN: SECRET }, sources: { TOKEN: "environment" } };

  test("stand in no file and no event, also when the run was killed; without them it is not resumed", async () => {
    const request = await sandbox.request(
      `
on: push
jobs:
  a:
    runs-on: ubuntu-latest
    env: { TOKEN: "\${{ secrets.TOKEN }}" }
    steps:
      - id: s
        run: |
          echo "it is $TOKEN"
          echo "t=$TOKEN" >> $GITHUB_OUTPUT
      - run: |
          test "\${{ steps.s.outputs.t }}" = "$TOKEN" && echo begun
          test -f "$HOME/ok" || sleep 60
`,
      {},
      given,
    );
    await using running = await Killable.start(sandbox, request);
    const runId = await running.until((event) => says("begun")(event));
    await running.kill();
    expect(running.output).toContain("it is ***");
    expect(running.output).not.toContain(SECRET);
    for (const file of sandbox.stateFiles()) expect(readFileSync(file).includes(SECRET), file).toBe(false);

    await expect((await sandbox.sessions()).resume({ runId, secrets: NO_SECRETS })).rejects.toThrow(/TOKEN\. Nothing was run/);
    sandbox.write("../home/ok", "");
    const resumed = await (await sandbox.sessions({ TOKEN: SECRET })).resume({ runId, secrets: NO_SECRETS });
    const heard = hear(resumed);
    expect(await resumed.done).toMatchObject({ exitCode: 0 });
    expect(heard.some(says("begun"))).toBe(true);
    expect(JSON.stringify(heard)).not.toContain(SECRET);
    for (const file of sandbox.stateFiles()) expect(readFileSync(file).includes(SECRET), file).toBe(false);
  });
});

describe("a killed run", () => {
  const SLOW = `
on: push
concurrency: { group: deploy }
jobs:
  a:
    runs-on: ubuntu-latest
    steps:
      - run: |
          echo begun
          test -f "$HOME/ok" || sleep 60
      - if: always()
        run: echo cleaned
`;

  test("is cancelled by opening it: what must run runs, and it concludes cancelled", async () => {
    await using running = await Killable.start(sandbox, await sandbox.request(SLOW));
    const runId = await running.until((event) => says("begun")(event));
    await running.kill();
    const sessions = await sandbox.sessions();
    expect(await sessions.cancel(runId)).toMatchObject({ exitCode: 3, conclusion: "cancelled" });
    await using reader = await sessions.read(runId);
    const events = await Array.fromAsync(reader.events({}));
    expect(events.some(says("cleaned"))).toBe(true);
    await expect(sessions.cancel(runId)).rejects.toThrow(/nothing to cancel/);
  });

  test("loses its concurrency group to the one that waits, which says so", async () => {
    const request = await sandbox.request(SLOW);
    await using running = await Killable.start(sandbox, request);
    const holder = await running.until((event) => says("begun")(event));
    const sessions = await sandbox.sessions();
    const waiting = await sessions.start(request);
    const heard = hear(waiting);
    await when(waiting, (event) => event.type === "run.notice" && event.message.includes(`which run ${holder} holds`));
    sandbox.write("../home/ok", "");
    await running.kill();
    expect(await waiting.done).toMatchObject({ exitCode: 0 });
    expect(heard).toContainEqual(expect.objectContaining({ message: expect.stringContaining(`from run ${holder}: its process`) }));
    const resumed = await sessions.resume({ runId: holder, secrets: NO_SECRETS });
    expect(await resumed.done).toMatchObject({ exitCode: 0 });
  });
});

describe("a disk that fills up", () => {
  const CHATTY = `
on: push
jobs:
  a:
    runs-on: ubuntu-latest
    steps:
      - run: seq 1 60000
      - run: echo done
`;

  test.each([8, 100, 300])("is a clear error at %i KiB, and the run goes on when there is room", async (fileKiB) => {
    await using running = await Killable.start(sandbox, await sandbox.request(CHATTY), fileKiB);
    expect(await running.ended()).not.toBe(0);
    expect(running.errors).toMatch(/^STORE_\w+: .+\n$/);
    const sessions = await sandbox.sessions();
    const [run] = await sessions.list();
    // Too early for there to be a run: nothing was started, so nothing is lost.
    if (run === undefined) return;
    expect(run.status).toBe("interrupted");
    const resumed = await sessions.resume({ runId: run.id, secrets: NO_SECRETS });
    const { exitCode, view } = await resumed.done;
    expect(exitCode).toBe(0);
    expect(view.jobs.flatMap(({ steps }) => steps.map(({ conclusion }) => conclusion))).not.toContain("failure");
  });

  test("under the log of a step alone: the attempt was interrupted, and is repeated where there is room", async () => {
    // The store and the journal stay far below what the log asks for.
    const printing = `on: push\njobs:\n  a:\n    runs-on: ubuntu-latest\n    steps:\n      - run: echo ran >> "$HOME/ran"; head -c 4000000 /dev/zero | tr '\\\\0' x | fold -w 50000\n`;
    await using running = await Killable.start(sandbox, await sandbox.request(printing), 2000);
    expect(await running.ended()).not.toBe(0);
    expect(running.errors).toMatch(/^STORE_IO: The step's log .+ cannot be written: .+ Free space or give another place by --state\.\n$/);
    const sessions = await sandbox.sessions();
    const [run] = await sessions.list();
    expect(run).toMatchObject({ status: "interrupted" });
    const resumed = await sessions.resume({ runId: run?.id ?? "", secrets: NO_SECRETS });
    const { exitCode, view } = await resumed.done;
    expect(exitCode).toBe(0);
    expect(view.jobs[0]?.steps.find(({ kind }) => kind === "run")).toMatchObject({ attempt: 2, conclusion: "success" });
    expect(sandbox.read("home/ran")).toBe("ran\nran\n");
  });
});

test("prune keeps the newest, what can be resumed and what is younger, and sweeps what never became a run", async () => {
  const sessions = await sandbox.sessions();
  const request = await sandbox.request(`
on: push
jobs:
  a:
    runs-on: ubuntu-latest
    steps:
      - run: true
`);
  const ids: string[] = [];
  for (let count = 0; count < 3; count += 1) {
    const run = await sessions.start(request);
    await run.done;
    ids.push(run.runId);
  }
  const [repositoryState = ""] = readdirSync(sandbox.state);
  const unfinished = join(sandbox.state, repositoryState, "0000001");
  mkdirSync(unfinished);
  expect(await sessions.prune({})).toEqual([]);
  expect(await sessions.prune({ olderThanMs: 3_600_000 })).toEqual([]);
  expect(await sessions.prune({ keep: 1 })).toEqual([ids[1], ids[0]]);
  expect((await sessions.list()).map(({ id }) => id)).toEqual([ids[2]]);
  expect(existsSync(unfinished)).toBe(false);
  expect(readdirSync(join(sandbox.root, "data/signalbox/keys"))).toEqual([expect.stringContaining(ids[2] ?? "none")]);
});
