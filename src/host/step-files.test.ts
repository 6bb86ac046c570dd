import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openRunKeys } from "./keys.ts";
import { LogFile } from "./log-file.ts";
import { readCommandFile } from "./read-command-file.ts";
import { readMatcherFile } from "./read-matcher-file.ts";
import { SUMMARY_LIMIT, summaryTooLarge } from "./text/command-files.ts";

let base: string;
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), "signalbox-files-"));
});
afterEach(() => rmSync(base, { recursive: true, force: true }));

describe("a command file", () => {
  test("is read as text, with or without a byte order mark; empty or removed it is empty", () => {
    const file = join(base, "env");
    expect(readCommandFile(file, "env")).toBe("");
    for (const [bytes, text] of [
      [Buffer.from(""), ""],
      [Buffer.from("a=é\n"), "a=é\n"],
      [Buffer.from("\ufeffa=1"), "a=1"],
      [Buffer.concat([Buffer.of(0xff, 0xfe), Buffer.from("a=é", "utf16le")]), "a=é"],
    ] as const) {
      writeFileSync(file, bytes);
      expect(readCommandFile(file, "env")).toBe(text);
    }
  });

  test("that a step has replaced by a link, a FIFO or a directory is a clear error, and nothing is read or waited for", () => {
    const file = join(base, "output");
    writeFileSync(join(base, "secret"), "x=1\n");
    const replacements: readonly (readonly [() => void, string])[] = [
      [() => symlinkSync(join(base, "secret"), file), "a symbolic link"],
      [() => symlinkSync("nowhere", file), "a symbolic link"],
      [() => execFileSync("mkfifo", [file]), "a FIFO"],
      [() => mkdirSync(file), "a directory"],
    ];
    for (const [replace, word] of replacements) {
      replace();
      expect(() => readCommandFile(file, "output")).toThrow(`The step has put ${word} in the place of its GITHUB_OUTPUT file.`);
      rmSync(file, { recursive: true });
    }
  });

  test("a summary over 1 MiB is refused with both sizes", () => {
    const file = join(base, "summary");
    writeFileSync(file, "x".repeat(SUMMARY_LIMIT + 1));
    expect(() => readCommandFile(file, "step_summary", SUMMARY_LIMIT, summaryTooLarge)).toThrow(/1024k, got 1025k/);
  });
});

test("a matcher file is read through links, but is no FIFO, folder or giant", () => {
  writeFileSync(join(base, "m.json"), "{}");
  symlinkSync("m.json", join(base, "link.json"));
  expect(readMatcherFile(base, "link.json")).toBe("{}");
  execFileSync("mkfifo", [join(base, "fifo")]);
  for (const name of ["fifo", "."]) expect(() => readMatcherFile(base, name)).toThrow(/not a regular file/);
  writeFileSync(join(base, "giant"), Buffer.alloc(2 * 1024 * 1024));
  expect(() => readMatcherFile(base, "giant")).toThrow(/too large/);
  expect(() => readMatcherFile(base, "gone")).toThrow(/cannot be read/);
});

describe("a step's log", () => {
  test("grows by whole lines, in few writes; all is there after flush", () => {
    const grown: number[] = [];
    const log = new LogFile(join(base, "log"), { onGrowth: (bytes) => grown.push(bytes) });
    for (let index = 0; index < 1000; index++) log.write(Buffer.from(`line ${index}\n`));
    expect(grown).toEqual([]);
    log.flush();
    expect(readFileSync(log.path, "utf8").split("\n").length).toBe(1001);
    expect(grown).toEqual([statSync(log.path).size]);
    log.write(Buffer.from("last\n"));
    expect(log.close()).toEqual({ bytes: statSync(log.path).size, lines: 1001, droppedBytes: 0, droppedLines: 0 });
    expect(readFileSync(log.path, "utf8").endsWith("last\n")).toBe(true);
    expect(statSync(log.path).mode & 0o777).toBe(0o600);
  });

  test("what is written reaches the file without a flush", async () => {
    const { promise, resolve } = Promise.withResolvers<number>();
    using log = new LogFile(join(base, "log"), { onGrowth: resolve });
    log.write(Buffer.from("now\n"));
    expect(await promise).toBe(4);
    expect(readFileSync(log.path, "utf8")).toBe("now\n");
  });

  test("over its limit the rest is counted, not kept, with a warning", () => {
    const log = new LogFile(join(base, "log"), { limit: 25 });
    log.write(Buffer.from("first line\nsecond line\nthird line\n"));
    log.write(Buffer.from("x\ny\n"));
    expect(log.close()).toMatchObject({ lines: 4, droppedBytes: 15, droppedLines: 3 });
    expect(readFileSync(log.path, "utf8").split("\n")).toEqual([
      "first line",
      "second line",
      "##[warning]The log of this step is over 25 bytes. What follows is counted, not kept.",
      "##[warning]3 more lines (15 bytes) were not kept.",
      "",
    ]);
  });

  test("begins anew with each attempt, and never follows a link", () => {
    const file = join(base, "log");
    for (const text of ["first attempt\n", "second\n"]) {
      const log = new LogFile(file);
      log.write(Buffer.from(text));
      log.close();
    }
    expect(readFileSync(file, "utf8")).toBe("second\n");
    symlinkSync(file, join(base, "link"));
    for (const path of [join(base, "link"), join(base, "no", "log")]) {
      const log = new LogFile(path);
      log.write(Buffer.from("text\n"));
      log.hurry();
      expect(() => log.close()).toThrow(/cannot be written/);
    }
    expect(readFileSync(file, "utf8")).toBe("second\n");
  });

  test("a full disk is an error when the log is closed, not a crash while the step prints", () => {
    const script = `import { LogFile } from ${JSON.stringify(new URL("./log-file.ts", import.meta.url).href)};
      process.on("SIGXFSZ", () => {});
      const log = new LogFile(${JSON.stringify(join(base, "log"))});
      for (let i = 0; i < 4; i++) log.write(Buffer.alloc(300 * 1024, "x\\n"));
      try { log.close(); console.log("closed"); } catch (error) { console.log(error.code, error.message); }`;
    const command = `ulimit -f 512; exec "$0" --input-type=module -e "$1"`;
    const { stdout } = spawnSync("bash", ["-c", command, process.execPath, script], { encoding: "utf8" });
    expect(stdout).toMatch(/^STORE_IO The step's log .* cannot be written: EFBIG.*Free space/);
  });
});

describe("run keys", () => {
  test("lie in the user's directory, for the user alone, until they are deleted", () => {
    const keys = openRunKeys({ XDG_DATA_HOME: base });
    expect(keys.read("run-1")).toBeUndefined();
    const key = keys.create("run-1");
    expect(Buffer.from(key, "base64").length).toBe(32);
    expect(keys.create("run-1")).toBe(key);
    expect(keys.read("run-1")).toBe(key);
    expect(keys.create("run-2")).not.toBe(key);
    const file = join(base, "signalbox", "keys", "run-1");
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(statSync(join(file, "..")).mode & 0o777).toBe(0o700);
    keys.delete("run-1");
    keys.delete("run-1");
    expect(keys.read("run-1")).toBeUndefined();
  });

  test("a damaged key, a strange id and a place that cannot be written are clear errors", () => {
    const keys = openRunKeys({ XDG_DATA_HOME: base });
    keys.create("run");
    writeFileSync(join(base, "signalbox", "keys", "run"), "short");
    expect(() => keys.read("run")).toThrow(/is damaged/);
    expect(() => keys.read("../run")).toThrow(/not the id of a run/);
    writeFileSync(join(base, "file"), "");
    expect(() => openRunKeys({ XDG_DATA_HOME: join(base, "file") }).create("run")).toThrow(/XDG_DATA_HOME, or a key by SIGNALBOX_KEY/);
  });

  test("with SIGNALBOX_KEY they are derived: the same again, different by run, nothing is stored", () => {
    const keys = openRunKeys({ XDG_DATA_HOME: base, SIGNALBOX_KEY: "a passphrase that is long" });
    const key = keys.create("run-1");
    expect(keys.read("run-1")).toBe(key);
    expect(keys.create("run-2")).not.toBe(key);
    expect(openRunKeys({ SIGNALBOX_KEY: "another passphrase, long" }).read("run-1")).not.toBe(key);
    expect(existsSync(join(base, "signalbox"))).toBe(false);
    expect(() => openRunKeys({ SIGNALBOX_KEY: "short" })).toThrow(/too short/);
  });
});
