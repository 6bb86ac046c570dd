import { appendFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { RunEvent, StreamedEvent } from "../../model/run-view.ts";
import { Journal, LogTexts } from "./journal.ts";
import { JournalReading } from "./journal-reading.ts";
import type { JournalRecord } from "./journal-record.ts";

let directory: string;
let file: string;
const AT = "2026-01-01T00:00:00.000Z";
const into = (list: string[]) => (event: StreamedEvent) => list.push(event.type === "run.notice" ? event.message : event.type);
const notice = (message: string): RunEvent => ({ type: "run.notice", message });

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "journal-"));
  file = join(directory, "events.ndjson");
});
afterEach(() => rmSync(directory, { recursive: true }));

test("seq grows over all processes, and a record that was cut short is cut off", () => {
  using first = Journal.open(file);
  first.append(AT, [notice("a"), notice("b")], { root: ["e", 2] });
  first.append(AT, [notice("c")]);
  const whole = statSync(file).size;
  first.append(AT, [notice("d")]);
  truncateSync(file, statSync(file).size - 5);

  const seen: JournalRecord[] = [];
  using second = Journal.open(file, new JournalReading(file, (record) => seen.push(record)));
  expect(statSync(file).size).toBe(whole);
  expect(second.seq).toBe(3);
  expect(second.positionOf("root")).toEqual(["e", 2]);
  const heard: StreamedEvent[] = [];
  second.listen((event) => heard.push(event));
  second.append(AT, [notice("e")]);
  expect(heard.map(({ seq }) => seq)).toEqual([3]);
  expect(seen.map(({ seq }) => seq)).toEqual([0, 2]);
});

test("the first who listens gets the head of the stream, the next only what comes", () => {
  using journal = Journal.open(file);
  journal.append(AT, [notice("early")]);
  const [first, second]: [string[], string[]] = [[], []];
  journal.listen(into(first));
  journal.listen(into(second));
  journal.append(AT, [notice("late")]);
  expect(first).toEqual(["early", "late"]);
  expect(second).toEqual(["late"]);
});

test("an event stands in the file before anybody hears it", () => {
  using journal = Journal.open(file);
  let onDisk = "";
  journal.listen(() => {
    onDisk = readFileSync(file, "utf8");
  });
  journal.append(AT, [notice("told")]);
  expect(onDisk).toContain("told");
});

test("lines of logs stand in the log alone, and come back with their text", () => {
  mkdirSync(join(directory, "logs"));
  writeFileSync(join(directory, "logs/s.log"), "héllo\nworld\n");
  using journal = Journal.open(file);
  const place = { type: "step.log", job: "j", step: "s", attempt: 1 } as const;
  journal.append(AT, [{ log: { ...place, offset: 7, text: "world" }, file: "logs/s.log", length: 5 }]);
  expect(readFileSync(file, "utf8")).not.toContain("world");
  const kept: JournalRecord[] = [];
  Journal.open(file, new JournalReading(file, (record) => kept.push(record)))[Symbol.dispose]();
  using texts = new LogTexts(directory);
  const event = kept[0]?.events[0];
  expect(event && texts.restore(event)).toEqual({ ...place, offset: 7, text: "world" });
});

test("damage in the middle is said, with its place", () => {
  Journal.open(file)[Symbol.dispose]();
  appendFileSync(file, '{"seq":0,"events":[]}\nnot json\n{"seq":0,"events":[]}\n');
  expect(() => Journal.open(file)).toThrow(/damaged at byte 22/);
});

test("a folder in its place is a clear error", () => {
  mkdirSync(file);
  expect(() => Journal.open(file)).toThrow(expect.objectContaining({ code: "STORE_IO" }));
});

test("what was read ahead is not read again, and what came after it is", () => {
  using owner = Journal.open(file);
  owner.append(AT, [notice("one")], { run: ["e1", 1] });
  const seen: number[] = [];
  const reading = new JournalReading(file, (record) => seen.push(record.seq));
  reading.ahead();
  owner.append(AT, [notice("two"), notice("three")], { run: ["e1", 2] });
  appendFileSync(file, '{"seq":3,');
  using next = Journal.open(file, reading);
  expect(seen).toEqual([0, 1]);
  expect([next.seq, next.positionOf("run")]).toEqual([3, ["e1", 2]]);
  expect(readFileSync(file, "utf8").endsWith("\n")).toBe(true);
});

test("what cannot be read ahead is told by the opening", () => {
  new JournalReading(join(directory, "none")).ahead();
  writeFileSync(file, "damage\n");
  const reading = new JournalReading(file);
  reading.ahead();
  expect(() => Journal.open(file, reading)).toThrow(/damaged at byte 0/);
});
