import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { ENTITY_MESSAGE_CLASSES, ENTITY_PHASES, ENTITY_RULES } from "./entity-rules.ts";

test("the specification shows the same table of an entity", () => {
  const page = readFileSync(new URL("../../docs/spec/entity.md", import.meta.url), "utf8");
  expect(page).toContain(`| phase | ${ENTITY_MESSAGE_CLASSES.join(" | ")} |`);
  for (const phase of ENTITY_PHASES) {
    const verdicts = ENTITY_MESSAGE_CLASSES.map((message) => ENTITY_RULES[phase][message]);
    expect(page).toContain(`| ${phase} | ${verdicts.join(" | ")} |`);
  }
});
