import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { MESSAGE_CLASSES, PHASES, RULES } from "./rules.ts";

describe("the table of an instance", () => {
  test.each(PHASES)("%s answers every class of message", (phase) => {
    for (const message of MESSAGE_CLASSES) expect(RULES[phase][message], `${phase} × ${message}`).toBeTypeOf("string");
  });

  test("E8: terminal is terminal, but for a rewind", () => {
    for (const message of MESSAGE_CLASSES) expect(RULES.Ended[message]).toBe(message === "rewind" ? "rewind" : "drop");
  });

  test("E8: terminate ends every living phase", () => {
    for (const phase of PHASES) if (phase !== "Ended") expect(RULES[phase].terminate).toBe("end");
  });

  test("E6: what resolves nothing of this execution has no effect in any phase", () => {
    for (const phase of PHASES) expect(RULES[phase].stale).toBe("drop");
  });

  test("the specification shows the same table", () => {
    const page = readFileSync(new URL("../../docs/spec/instance.md", import.meta.url), "utf8");
    for (const phase of PHASES) {
      const row = `| ${phase} | ${MESSAGE_CLASSES.map((message) => RULES[phase][message]).join(" | ")} |`;
      expect(page).toContain(row);
    }
  });
});
