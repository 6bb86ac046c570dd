import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type ContentSeal, RecordedActions } from "./recorded-actions.ts";

let run: string;
beforeEach(() => {
  run = mkdtempSync(join(tmpdir(), "signalbox-recorded-"));
});
afterEach(() => rmSync(run, { recursive: true, force: true }));

const plain: ContentSeal = { close: (text) => text, open: (value) => (typeof value === "string" ? value : "") };
const reversed = (text: string): string => text.split("").toReversed().join("");
const sealing: ContentSeal = {
  close: (text) => (text.includes("s3cret") ? { sealed: reversed(text) } : text),
  open: (value) => (typeof value === "string" ? value : reversed(value.sealed)),
};

test("what a step was resolved to is found again by another host, by step and place", () => {
  const kept = new RecordedActions(run, "build", plain);
  kept.keep("a", [], Buffer.from("outer"));
  kept.keep("a", [2, 0], Buffer.from("inner"));
  kept.keep("b", [], Buffer.from("outer"));
  const found = new RecordedActions(run, "build", plain);
  expect(found.find("a", [])?.text.toString()).toBe("outer");
  expect(found.find("a", [2, 0])?.text.toString()).toBe("inner");
  expect(found.find("b", [])).toEqual(found.find("a", []));
  expect(found.find("a", [2])).toBeUndefined();
  expect(new RecordedActions(run, "build.r2", plain).find("a", [])).toBeUndefined();
});

test("content that a mask would change lies there sealed", () => {
  const { hash } = new RecordedActions(run, "build", sealing).keep("a", [], Buffer.from("has s3cret"));
  const files = readdirSync(join(run, "recorded/actions"), { recursive: true, encoding: "utf8", withFileTypes: true });
  for (const file of files.filter((entry) => entry.isFile()))
    expect(readFileSync(join(file.parentPath, file.name), "utf8")).not.toContain("s3cret");
  expect(new RecordedActions(run, "build", sealing).get(hash).text.toString()).toBe("has s3cret");
});

test("content that is gone, or is not what its name says, is damage that names the file", () => {
  const actions = new RecordedActions(run, "build", plain);
  const { hash } = actions.keep("a", [], Buffer.from("content"));
  const file = join(run, "recorded/actions", hash);
  writeFileSync(file, "another");
  expect(() => actions.find("a", [])).toThrow(file);
  rmSync(file);
  expect(() => actions.find("a", [])).toThrow(/is missing/);
});
