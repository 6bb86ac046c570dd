import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { nextPhase, PHASES, STEP_SIGNALS, TRANSITIONS } from "./step-phases.ts";

describe("the table of a step's phases", () => {
  const cells = PHASES.flatMap((phase) => STEP_SIGNALS.map((signal) => ({ phase, signal, cell: TRANSITIONS[phase][signal] })));

  it.each(cells)("$phase x $signal -> $cell", ({ phase, signal, cell }) => {
    if (cell === "never") expect(() => nextPhase(phase, signal)).toThrow(`a step in phase ${phase} cannot see ${signal}`);
    else expect(nextPhase(phase, signal)).toBe(cell === "ignored" ? phase : cell);
  });

  it("is the one in docs/spec/background.md", () => {
    const page = readFileSync(new URL("../../../../docs/spec/background.md", import.meta.url), "utf8");
    for (const phase of PHASES) {
      const row = STEP_SIGNALS.map((signal) => TRANSITIONS[phase][signal]).map((cell) => (cell === "never" ? "-" : cell));
      expect(page).toContain(`| ${phase} | ${row.join(" | ")} |`);
    }
  });

  it("leads from every phase to published, and from published nowhere", () => {
    const reaches = (phase: (typeof PHASES)[number]): boolean =>
      phase === "published" ||
      STEP_SIGNALS.some((signal) => {
        const cell = TRANSITIONS[phase][signal];
        return cell !== "never" && cell !== "ignored" && reaches(cell);
      });
    expect(PHASES.every(reaches)).toBe(true);
    expect(STEP_SIGNALS.every((signal) => ["never", "ignored"].includes(TRANSITIONS.published[signal]))).toBe(true);
  });

  it("a step passes through running only from queued: no attempt without a slot or a foreground walk", () => {
    const into = cells.filter(({ cell }) => cell === "running");
    expect(into).toEqual([{ phase: "queued", signal: "SlotTaken", cell: "running" }]);
  });
});
