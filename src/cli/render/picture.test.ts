import { stripVTControlCharacters } from "node:util";
import { describe, expect, test } from "vitest";
import type { RunView } from "../../model/run-view.ts";
import { fakeJob, fakeStep, fakeTime, fakeView } from "../session/fake-sessions.ts";
import { pictureOf } from "./picture.ts";
import { styleFor } from "./style.ts";
import { textWidth } from "./text-width.ts";

const plain = styleFor(false);
const now = Date.parse(fakeTime(12));
const running = { status: "in_progress", outcome: null, conclusion: null, endedAt: null } as const;
const queued = { ...running, status: "queued", startedAt: null } as const;

const view = fakeView({
  status: "in_progress",
  conclusion: null,
  endedAt: null,
  jobs: [
    fakeJob({ key: "build", steps: [fakeStep({ number: 1, name: "Set up job", kind: "setup" }), fakeStep({ number: 2, name: "Build" })] }),
    fakeJob({
      key: "test-24",
      name: "test (24)",
      ...running,
      steps: [
        fakeStep({ number: 1, name: "Start server", id: "server", background: true, ...running }),
        fakeStep({ number: 2, name: "Tail", background: true, ...queued }),
        fakeStep({ number: 3, name: "Parallel group", kind: "parallel", key: "p", ...running }),
        fakeStep({ number: 4, name: "Lint", background: true, group: "p" }),
        fakeStep({ number: 5, name: "Types", background: true, group: "p", ...running, attempt: 2 }),
        fakeStep({ number: 6, name: "Stop", kind: "cancel", targets: ["server"], ...queued }),
        fakeStep({ number: 7, name: "Flaky", outcome: "failure", conclusion: "success", exitCode: 3 }),
        fakeStep({ number: 8, name: "Never", outcome: "skipped", conclusion: "skipped" }),
      ],
    }),
    fakeJob({ key: "deploy", needs: ["build", "test"], ...queued, queuedAt: null }),
  ],
});

function draw(of: RunView, columns: number, rows?: number): readonly string[] {
  return pictureOf(of, { columns, now, style: plain, ...(rows === undefined ? {} : { rows }) });
}

describe("a run's picture", () => {
  test("jobs, steps, background steps, groups and times each have their place", () => {
    expect(draw(view, 64)).toEqual([
      "✓ build                                                    3.0s",
      "  ✓ Set up job                                             1.0s",
      "  ✓ Build                                                  1.0s",
      "▸ test (24)                                               12.0s",
      "  ▸ Start server  background                              12.0s",
      "  · Tail  background                               queued 12.0s",
      "  ▸ Parallel group                                waiting 12.0s",
      "    ✓ Lint                                                 1.0s",
      "    ▸ Types  attempt 2                                    12.0s",
      "  · Stop  of server",
      "  ✓ Flaky  failed, continued                               1.0s",
      "  - Never",
      "· deploy  needs test",
    ]);
  });

  test("the spinner turns with its frame and stands still without one", () => {
    const first = pictureOf(view, { columns: 64, now, style: plain, frame: 0 }).join("\n");
    const next = pictureOf(view, { columns: 64, now, style: plain, frame: 1 }).join("\n");
    expect(first).toContain("⠋ test (24)");
    expect(next).toContain("⠙ test (24)");
  });

  test.each([20, 34, 40, 64, 80, 120, 300])("no line is wider than %i columns", (columns) => {
    const odd = fakeView({
      jobs: [
        fakeJob({
          key: "k",
          name: "日本語のとても長いジョブの名前がここに立っている 👩‍👩‍👧‍👦🇩🇪",
          steps: [fakeStep({ number: 1, name: `e\u0301`.repeat(90) })],
        }),
        ...view.jobs,
      ],
    });
    for (const line of draw(odd, columns)) expect(textWidth(line)).toBeLessThan(columns);
  });

  test("colour adds nothing but colour", () => {
    const colored = pictureOf(view, { columns: 64, now, style: styleFor(true) });
    expect(colored.map((line) => stripVTControlCharacters(line))).toEqual(draw(view, 64));
  });

  test("a name cannot move the cursor, change the title or turn the text around", () => {
    const evil = fakeView({ jobs: [fakeJob({ key: "x", name: "a\u001b[2Jb\u001b]0;title\u0007c\rd\u202ee\nf" })] });
    expect(draw(evil, 40)[0]).toMatch(/^✓ abc de f +3\.0s$/);
  });

  test("waited, ran and blocked stand apart (B22)", () => {
    const timed = fakeView({
      jobs: [
        fakeJob({
          key: "t",
          steps: [
            fakeStep({ number: 1, name: "Server", background: true, timing: { waitedMs: 2000, ranMs: 9000, blockedMs: 0 } }),
            fakeStep({ number: 2, name: "Wait", kind: "wait", timing: { waitedMs: 0, ranMs: 0, blockedMs: 7500 } }),
          ],
        }),
      ],
    });
    const [, server, wait] = pictureOf(timed, { columns: 64, now, style: plain, hasColumns: true });
    expect(server).toMatch(/2\.0s {5}9\.0s {8}-$/);
    expect(wait).toMatch(/- {8}- {5}7\.5s$/);
  });

  test.each([1, 2, 3, 5, 8, 12, 13])("a terminal of %i rows is never overfull, and what runs is kept longest", (rows) => {
    const lines = draw(view, 64, rows);
    expect(lines.length).toBeLessThanOrEqual(rows);
    if (rows >= 8) expect(lines.join("\n")).toContain("Start server");
  });

  test("hundreds of ended and queued jobs become one line each", () => {
    const many = fakeView({
      jobs: [
        ...Array.from({ length: 200 }, (_, index) => fakeJob({ key: `done-${index}` })),
        fakeJob({ key: "now", ...running, steps: [fakeStep({ number: 1, name: "Work", ...running })] }),
        ...Array.from({ length: 200 }, (_, index) => fakeJob({ key: `later-${index}`, ...queued })),
      ],
    });
    expect(draw(many, 64, 10).map((line) => line.trimEnd())).toEqual([
      "… 200 jobs ended well",
      expect.stringMatching(/^▸ now/),
      expect.stringMatching(/^ {2}▸ Work/),
      "… 200 more jobs queued",
    ]);
  });
});
