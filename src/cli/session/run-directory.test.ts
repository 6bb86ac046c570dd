import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { RecordedFiles } from "./recorded-files.ts";
import { RepositoryState } from "./run-directory.ts";
import { normalizeRunId, RUN_ID, runIdAt } from "./run-id.ts";
import { findRun, listRuns } from "./run-list.ts";
import { type RunFile, readRunFile, writeRunFile } from "./run-record.ts";

let state: string;
beforeEach(() => {
  state = mkdtempSync(join(tmpdir(), "state-"));
});
afterEach(() => rmSync(state, { recursive: true }));

const NOW = Date.UTC(2026, 10, 21);
const repository = () => new RepositoryState(state, "/home/somebody/project");
const hashes = { source: "", plan: "", inputs: "", contexts: "", git: "" };
const record = (id: string, more: Partial<RunFile> = {}): RunFile => ({
  version: 1,
  id,
  repository: "/r",
  file: "ci.yml",
  path: "/r/ci.yml",
  name: "CI",
  event: "push",
  createdAt: new Date(NOW).toISOString(),
  recorded: hashes,
  ...more,
});

describe("ids of runs", () => {
  test("sort by age and are of one form", () => {
    const moment = fc.integer({ min: Date.UTC(2026, 0, 1), max: Date.UTC(2126, 0, 1) });
    fc.assert(
      fc.property(moment, moment, (one, other) => {
        expect(runIdAt(one)).toMatch(RUN_ID);
        if (Math.floor(one / 100) < Math.floor(other / 100)) expect(runIdAt(one) < runIdAt(other)).toBe(true);
      }),
    );
  });

  test("are what a person may have typed", () => {
    expect(normalizeRunId(" O8BOE5I ")).toBe("08b0e51");
  });
});

describe("the state directory", () => {
  test("holds runs of the same moment apart, and those of repositories with the same name", () => {
    const ids = [1, 2, 3].map(() => repository().createRun(NOW).runId);
    expect(new Set(ids).size).toBe(3);
    expect(new RepositoryState(state, "/home/other/project").directory).not.toBe(repository().directory);
    expect(repository().runIds()).toEqual(ids.toSorted());
  });

  test("with a file in its place is a clear error, and nothing is lost", () => {
    writeFileSync(join(state, "taken"), "precious");
    const inTheWay = new RepositoryState(join(state, "taken"), "/r");
    expect(() => inTheWay.createRun(NOW)).toThrow(/is a file and not a folder.*--state/);
    const below = repository();
    writeFileSync(below.directory, "precious");
    expect(() => below.createRun(NOW)).toThrow(expect.objectContaining({ code: "STORE_IO" }));
  });

  test("of a repository with a long name is short enough to be a folder", () => {
    const long = new RepositoryState(state, `/tmp/${"n".repeat(200)}`);
    expect(existsSync(long.createRun(NOW).paths.store)).toBe(false);
  });
});

describe("runs that are there", () => {
  test("are found by latest, by id and by a unique beginning or end, and else what is there is said", () => {
    const place = repository();
    expect(() => findRun(place, "x")).toThrow(/no run has been started/);
    const [a, b] = [place.createRun(NOW), place.createRun(NOW + 60_000)];
    writeRunFile(a.paths.record, record(a.runId));
    writeRunFile(b.paths.record, record(b.runId, { end: { status: "completed", conclusion: "success", at: "2026-11-21T00:05:00.000Z" } }));
    mkdirSync(join(place.directory, runIdAt(NOW + 120_000)));
    expect(listRuns(place)).toMatchObject([
      { id: b.runId, status: "completed", conclusion: "success" },
      { id: a.runId, status: "interrupted", conclusion: null, pid: null },
    ]);
    expect(findRun(place, "latest").id).toBe(b.runId);
    expect(findRun(place, a.runId.toUpperCase()).id).toBe(a.runId);
    expect(findRun(place, b.runId.slice(-3)).id).toBe(b.runId);
    expect(() => findRun(place, a.runId.slice(0, 2))).toThrow(/stands for 2 runs/);
    expect(() => findRun(place, "zzz")).toThrow(expect.objectContaining({ code: "NOT_FOUND" }));
  });

  test("have a record that is replaced in one piece; a damaged or newer one is refused", () => {
    const { runId, paths } = repository().createRun(NOW);
    expect(readRunFile(paths.record)).toBeUndefined();
    writeRunFile(paths.record, record(runId));
    expect(readRunFile(paths.record)).toEqual(record(runId));
    expect(readdirSync(paths.directory).filter((name) => name.endsWith(".tmp"))).toEqual([]);
    writeFileSync(paths.record, "{");
    expect(() => readRunFile(paths.record)).toThrow(expect.objectContaining({ code: "STORE_CORRUPT" }));
    writeFileSync(paths.record, '{"version":99}');
    expect(() => readRunFile(paths.record)).toThrow(expect.objectContaining({ code: "STORE_NEWER" }));
  });
});

test("what is recorded is found by its content, and refused when it does not match", () => {
  const recorded = new RecordedFiles(state);
  const hash = recorded.putJson({ a: [1, "é"] });
  expect(recorded.putJson({ a: [1, "é"] })).toBe(hash);
  expect(new RecordedFiles(state).getJson(hash)).toEqual({ a: [1, "é"] });
  writeFileSync(join(state, hash), "something else");
  expect(() => recorded.get(hash)).toThrow(/does not match its name/);
  rmSync(join(state, hash));
  expect(() => recorded.get(hash)).toThrow(/is missing/);
});
