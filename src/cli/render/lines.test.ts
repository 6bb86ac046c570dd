import { describe, expect, test } from "vitest";
import type { Diagnostic } from "../../model/plan.ts";
import type { StreamedEvent } from "../../model/run-view.ts";
import { fakeTime } from "../session/fake-sessions.ts";
import { formatDiagnostic } from "./code-frame.ts";
import { EventLines } from "./event-lines.ts";
import { logLine } from "./log-line.ts";
import { styleFor } from "./style.ts";
import { table } from "./table.ts";

const plain = styleFor(false);
const at = (line: number, column: number): Diagnostic => ({ severity: "error", file: "ci.yml", at: { line, column }, message: "Odd" });
const events = (list: readonly object[]) =>
  list.map((event, index) => ({ schemaVersion: 1, seq: index, at: fakeTime(index), ...event }) as StreamedEvent);

describe("a diagnostic", () => {
  const source = "on: push\njobs:\n  a:\n    runs-on: x\n    stepz: []\n    env: {}\n";

  test("has its place, its lines and a pointer", () => {
    expect(formatDiagnostic({ ...at(5, 5), help: "https://docs" }, source, plain).split("\n")).toEqual([
      "ci.yml:5:5: error: Odd",
      "  3 |   a:",
      "  4 |     runs-on: x",
      "> 5 |     stepz: []",
      "    |     ^",
      "  6 |     env: {}",
      "  see https://docs",
    ]);
  });

  test("the pointer stands under wide characters, behind tabs, and in the first line", () => {
    const frame = formatDiagnostic(at(1, 6), "\t日本: x\n", plain).split("\n");
    expect(frame.slice(1)).toEqual(["> 1 |  日本: x", "    |        ^", "  2 |"]);
  });

  test("of a very long line the part around the column is shown, and none of its control characters", () => {
    const frame = formatDiagnostic(at(1, 5_001), `${"x".repeat(5_000)}\u001b[2JHERE${"y".repeat(5_000)}`, plain).split("\n");
    expect(frame[1]).toContain("HERE");
    expect(frame[1]?.length).toBeLessThan(140);
    expect(frame.join("\n")).not.toContain("\u001b");
  });

  test.each([0, 7, 1_000])("a place outside of the file (line %i) shows no frame", (line) => {
    expect(formatDiagnostic(at(line, 1), line === 7 ? "" : source, plain)).toBe(`ci.yml:${line}:1: error: Odd`);
  });

  test("without a place or a source there is the file and the message", () => {
    expect(formatDiagnostic({ severity: "warning", file: "ci.yml", message: "Odd" }, undefined, plain)).toBe("ci.yml: warning: Odd");
  });
});

describe("plain lines", () => {
  const control = { job: "j", step: "w", number: 2, name: "Wait", kind: "wait", background: false, attempt: 1 } as const;

  test("a wait says what it waits for and each result, also without the logs of other steps (B22)", () => {
    const lines = new EventLines({ style: plain, hasLogs: false, nameOf: (_, step) => (step === "s" ? "Skipped one" : undefined) });
    const written = events([
      { type: "job.started", job: "j", name: "job" },
      { type: "step.queued", ...control, step: "b", name: "Server", kind: "run", background: true },
      { type: "step.started", ...control, step: "b", name: "Server", kind: "run", background: true, attempt: 2 },
      { type: "step.log", job: "j", step: "b", attempt: 2, offset: 0, text: "not shown" },
      { type: "step.started", ...control },
      { type: "step.log", job: "j", step: "w", attempt: 1, offset: 0, text: "Waiting for background step(s) to complete: Server" },
      { type: "step.finished", job: "j", step: "b", attempt: 2, outcome: "failure", conclusion: "success", outputs: {} },
      { type: "step.flushed", job: "j", step: "b", by: "w" },
      { type: "step.log", job: "j", step: "w", attempt: 1, offset: 51, text: "Server: success" },
      {
        type: "step.finished",
        job: "j",
        step: "w",
        attempt: 1,
        outcome: "failure",
        conclusion: "failure",
        message: "Failed: Server",
        outputs: {},
      },
      { type: "step.finished", job: "j", step: "s", attempt: 1, outcome: "skipped", conclusion: "skipped", outputs: {} },
      { type: "run.notice", message: "look\u001b[2J here" },
      { type: "job.finished", job: "j", conclusion: "timed_out", outputs: {}, message: "too slow" },
    ]).flatMap((event) => lines.linesOf(event));
    expect(written).toEqual([
      "▸ job",
      "· job › Server  queued",
      "▸ job › Server  background, attempt 2",
      "▸ job › Wait",
      "job › Wait | Waiting for background step(s) to complete: Server",
      "✓ job › Server  failed, continued in 4.0s",
      "job › Wait | Server: success",
      "✗ job › Wait  failed in 5.0s: Failed: Server",
      "- job › Skipped one  skipped",
      "note: look here",
      "✗ job timed out in 12.0s: too slow",
    ]);
  });

  test("a skipped step is named by its own end, a long name is cut before its log, and an error stands there once", () => {
    const lines = new EventLines({ style: plain, hasLogs: true });
    const name = `Run ${"echo a ".repeat(20)}`;
    const step = { job: "j", step: "s", attempt: 1 } as const;
    const written = events([
      { type: "step.finished", ...step, number: 2, name: "Never", kind: "run", outcome: "skipped", conclusion: "skipped", outputs: {} },
      { type: "step.started", ...control, step: "l", name, kind: "run" },
      { type: "step.log", ...step, step: "l", offset: 0, text: "##[error]bad" },
      { type: "step.annotation", ...step, step: "l", annotation: { level: "failure", message: "bad" } },
      { type: "step.annotation", ...step, step: "l", annotation: { level: "warning", message: "odd", file: "a.js", line: 3 } },
    ]).flatMap((event) => lines.linesOf(event));
    const cut = `j › ${name.slice(0, 55)}…`;
    expect(written).toEqual(["- j › Never  skipped", `▸ j › ${name}`, `${cut} | error: bad`, `${cut} warning: odd (a.js:3)`]);
  });

  test.each([
    ["##[group]Run ls", "▾ Run ls"],
    ["##[endgroup]", undefined],
    ["##[error]bad", "error: bad"],
    ["##[debug]x", "debug: x"],
    ["##[other]x", "##[other]x"],
  ])("the marker in %j is shown as %j", (line, shown) => expect(logLine(line, plain)).toBe(shown));
});

test("a table gives way in one column", () => {
  const rows = [[{ text: "1" }, { text: "a rather long name 日本" }, { text: "end" }]];
  expect(table(["N", "NAME", "X"], rows, { columns: 24, flexible: 1, style: plain })).toBe(
    "N  NAME             X\n1  a rather long …  end",
  );
});
