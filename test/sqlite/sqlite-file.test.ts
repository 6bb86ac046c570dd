import { copyFileSync, mkdirSync, truncateSync, writeFileSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { MIGRATIONS } from "../../src/store/sqlite/migrations.ts";
import { openOwned } from "../../src/store/sqlite/open-file.ts";
import { openSqliteReader, openSqliteStoreInline } from "../../src/store/sqlite/open-inline.ts";
import { openSqliteStore } from "../../src/store/sqlite/open-threaded.ts";
import type { Part } from "../../src/store/store.ts";
import {
  commit,
  deliverPart,
  endPart,
  eventRaised,
  failPart,
  keyOf,
  nextExecution,
  signal,
  started,
  startPart,
  toEntityPart,
  turnPart,
} from "../store-conformance/fixtures.ts";
import { startOwner } from "./owner-process.ts";

let directory: string;
let path: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "signalbox-sqlite-"));
  path = join(directory, "store.db");
});
afterEach(() => rm(directory, { recursive: true }));

function raw<Value>(use: (database: DatabaseSync) => Value): Value {
  const database = new DatabaseSync(path);
  try {
    return use(database);
  } finally {
    database.close();
  }
}

const count = (table: string): unknown =>
  raw((database) => Object.values(database.prepare(`SELECT count(*) FROM ${table}`).get() ?? {})[0]);

describe("the lock", () => {
  test("holds between processes, names the owner, and goes with it by SIGKILL", async () => {
    await using owner = startOwner([path, "hold"]);
    await owner.lines.next();
    const refusal = { code: "STORE_LOCKED", message: expect.stringContaining(`process ${owner.process.pid}`) };
    await expect(openSqliteStore({ path })).rejects.toMatchObject(refusal);
    await expect(openSqliteStoreInline({ path })).rejects.toMatchObject(refusal);
    await using reader = await openSqliteReader({ path });
    expect(await reader.instance(keyOf("a"), false)).toBeUndefined();
    await owner.kill();
    await using store = await openSqliteStore({ path });
    expect(store.epoch).toBe(2);
  });

  test("holds within a process, and a refused opening leaves it as it was", async () => {
    await using holder = await openSqliteStoreInline({ path });
    expect(holder.epoch).toBe(1);
    for (let attempt = 0; attempt < 3; attempt++)
      await expect(openSqliteStoreInline({ path })).rejects.toMatchObject({ code: "STORE_LOCKED" });
    await using owner = startOwner([path, "hold"]);
    expect(await owner.ended()).not.toBe(0);
    expect(owner.stderr()).toContain("is in use by process");
  });
});

describe("a reader", () => {
  test("sees what the living owner has committed, and writes nothing", async () => {
    await using store = await openSqliteStore({ path });
    await using reader = await openSqliteReader({ path });
    const ref = await started(store, "a", "e1", { input: "i" });
    expect(await reader.instance(keyOf("a"), true)).toMatchObject({ input: "i", ref });
    await commit(store, endPart(ref, "e1"));
    expect((await reader.history(keyOf("a"), 0))?.events).toHaveLength(1);
  });

  test("reads what a killed owner left", async () => {
    await using owner = startOwner([path, "write"]);
    for (let at = 0; at < 20; at++) await owner.lines.next();
    await owner.kill();
    await using reader = await openSqliteReader({ path });
    expect(await reader.instance(keyOf("a19"), false)).toBeDefined();
  });

  test("a store that is not there is an error, and is not created", async () => {
    await expect(openSqliteReader({ path })).rejects.toMatchObject({ code: "NOT_FOUND", message: expect.stringContaining(path) });
  });
});

describe("kill -9", () => {
  test("every acknowledged batch is there, and each batch is whole (E2, E15)", async () => {
    for (const lines of [1, 7, 40]) {
      await using owner = startOwner([path, "write"]);
      let last = -1;
      for (let line = 0; line < lines; line++) last = Number((await owner.lines.next()).value);
      await owner.kill();
      await using store = await openSqliteStoreInline({ path });
      expect(await store.instance(keyOf(`a${last}`), false)).toBeDefined();
      const { rows } = await store.instances({ hub: keyOf("").hub }, { limit: 1e6, withPayloads: false });
      expect(rows.filter((row) => row.instanceId.startsWith("a"))).toHaveLength(rows.length / 2);
      await rm(path);
    }
  });
});

describe("the file", () => {
  test("is in WAL at synchronous FULL, and its epoch grows with every opening", async () => {
    for (const epoch of [1, 2, 3]) {
      await using store = await openSqliteStoreInline({ path });
      expect(store.epoch).toBe(epoch);
    }
    const database = openOwned(path, {});
    expect(database.prepare("PRAGMA journal_mode").get()).toEqual({ journal_mode: "wal" });
    expect(database.prepare("PRAGMA synchronous").get()).toEqual({ synchronous: 2 });
    database.close();
  });

  test("text in its place is an error that names it, and stays as it is", async () => {
    writeFileSync(path, "no database at all, but long enough to be read as a header".repeat(9));
    const refusal = { code: "STORE_CORRUPT", message: expect.stringMatching(/store\.db.*integrity_check/s) };
    await expect(openSqliteStore({ path })).rejects.toMatchObject(refusal);
    expect(await readFile(path, "utf8")).toContain("no database");
  });

  test("damaged pages are seen when they are read, and end the store's use", async () => {
    const first = await openSqliteStoreInline({ path });
    for (let at = 0; at < 200; at++) await started(first, `i${at}`, "e1", { input: "x".repeat(2000) });
    await first[Symbol.asyncDispose]();
    const bytes = await readFile(path);
    bytes.fill(0xa5, 4096 * 40, 4096 * 80);
    await writeFile(path, bytes);
    const attempt = async (): Promise<void> => {
      const store = await openSqliteStoreInline({ path });
      try {
        await store.instances({ hub: keyOf("").hub }, { limit: 1e6, withPayloads: true });
      } finally {
        await expect(commit(store, startPart("z", "e1"))).rejects.toMatchObject({ code: "STORE_CORRUPT" });
        await store[Symbol.asyncDispose]();
      }
    };
    await expect(attempt()).rejects.toMatchObject({ code: "STORE_CORRUPT", message: expect.stringContaining(path) });
  });

  test("a truncated file is damaged, not empty", async () => {
    const first = await openSqliteStoreInline({ path });
    for (let at = 0; at < 50; at++) await started(first, `i${at}`, "e1", { input: "x".repeat(2000) });
    await first[Symbol.asyncDispose]();
    truncateSync(path, 4096 * 3);
    await expect(openSqliteStore({ path })).rejects.toMatchObject({ code: "STORE_CORRUPT" });
  });

  test("a directory in its place, or no directory around it, is an error", async () => {
    mkdirSync(path);
    await expect(openSqliteStore({ path })).rejects.toMatchObject({ code: "STORE_IO", message: expect.stringContaining(path) });
    await expect(openSqliteStore({ path: join(directory, "none", "store.db") })).rejects.toMatchObject({ code: "STORE_IO" });
  });

  test("another program's database is left alone", async () => {
    raw((database) => database.exec("CREATE TABLE notes (text)"));
    await expect(openSqliteStore({ path })).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
    expect(count("sqlite_schema")).toBe(1);
  });

  test("a newer schema is refused, by owners and readers, and not touched", async () => {
    await (await openSqliteStore({ path }))[Symbol.asyncDispose]();
    raw((database) => database.prepare("INSERT INTO schema_version VALUES (?)").run(MIGRATIONS.length + 1));
    copyFileSync(path, `${path}.before`);
    for (const open of [openSqliteStore, openSqliteStoreInline, openSqliteReader]) {
      await expect(open({ path })).rejects.toMatchObject({
        code: "STORE_NEWER",
        message: expect.stringContaining(String(MIGRATIONS.length + 1)),
      });
    }
    expect(raw((database) => database.prepare("SELECT value FROM meta").get())).toEqual({ value: 1 });
  });

  test("migrations run once each", async () => {
    for (let opening = 0; opening < 2; opening++) await (await openSqliteStore({ path }))[Symbol.asyncDispose]();
    expect(count("schema_version")).toBe(MIGRATIONS.length);
  });
});

describe("a full disk", () => {
  test("refuses the commit, keeps what was acknowledged, and is never tried again", async () => {
    const store = await openSqliteStoreInline({ path, maxPageCount: 40 });
    let acknowledged = 0;
    const fill = async (): Promise<never> => {
      for (;;) {
        await commit(store, startPart(`i${acknowledged}`, "e1", { input: "x".repeat(9000) }));
        acknowledged++;
      }
    };
    await expect(fill()).rejects.toMatchObject({ code: "STORE_IO", message: expect.stringMatching(/full.*Free space/s) });
    await expect(commit(store, { kind: "raiseAttempts" })).rejects.toMatchObject({ code: "STORE_IO" });
    await store[Symbol.asyncDispose]();
    await using again = await openSqliteStoreInline({ path });
    expect((await again.instances({ hub: keyOf("").hub }, { limit: 999, withPayloads: false })).rows).toHaveLength(acknowledged);
  });

  test("by a file size limit: the same over the thread", async () => {
    await using owner = startOwner([path, "fill"], "ulimit -f 400; trap '' XFSZ;");
    const lines: string[] = [];
    for (let line = await owner.lines.next(); !line.done; line = await owner.lines.next()) lines.push(line.value);
    expect(await owner.ended()).toBe(0);
    expect(lines.at(-2)).toContain("STORE_IO");
    expect(lines.at(-1)).toContain('again {"code":"STORE_IO"');
    await using store = await openSqliteStoreInline({ path });
    for (const line of lines.slice(0, -2)) expect(await store.instance(keyOf(`a${line}`), false)).toBeDefined();
  });
});

describe("large payloads", () => {
  test("are stored once, and go with the last instance that refers to them", async () => {
    const store = await openSqliteStoreInline({ path });
    const input = "x".repeat(50_000);
    const a = await started(store, "a", "e1", { input });
    const b = await started(store, "b", "e1", { input });
    expect(count("blobs")).toBe(1);
    await expect(commit(store, startPart("c", "e1", { input: `${input}c` }), turnPart(a, "none", 0))).rejects.toThrow();
    expect(await commit(store, startPart("a", "e2", { input: `${input}d` }))).toMatchObject([{ kind: "taken" }]);
    expect(count("blobs")).toBe(1);
    await commit(store, endPart(a, "e1"), { kind: "purge", key: keyOf("a") });
    expect(count("blobs")).toBe(1);
    const [waiting] = (await store.load(b))?.inbox ?? [];
    await commit(store, turnPart(b, "e1", 0, { consumed: [waiting?.key ?? 0], next: nextExecution("e2") }));
    expect(count("blobs")).toBe(0);
    expect(count("blob_uses")).toBe(0);
    await store[Symbol.asyncDispose]();
  });

  test("of an entity go with the state and the message that held them, while it lives", async () => {
    const store = await openSqliteStoreInline({ path });
    const id = "@e@k";
    const input = "x".repeat(50_000);
    const [first, second] = await commit(
      store,
      toEntityPart(id, signal(id, "1", { input })),
      toEntityPart(id, signal(id, "2", { input: `${input}2` })),
    );
    if (first?.kind !== "delivered" || second?.kind !== "delivered") throw new Error();
    const { ref, executionId } = first;
    expect(count("blobs")).toBe(2);
    const entityState = `${input}2`;
    await commit(store, turnPart(ref, executionId, 0, { consumed: [first.inboxKey], row: { entityState } }));
    expect(count("blobs")).toBe(1);
    await commit(store, turnPart(ref, executionId, 0, { consumed: [second.inboxKey] }));
    expect(await store.instance(keyOf(id), true)).toMatchObject({ entityState });
    for (let at = 0; at < 5; at++) await commit(store, { kind: "row", ref, row: { entityState: `${at}${input}` } });
    expect(count("blobs")).toBe(1);
    await commit(store, { kind: "row", ref, row: { entityState: undefined } }, { kind: "removeEntity", key: keyOf(id) });
    expect(count("instances")).toBe(0);
    expect(count("blobs")).toBe(0);
    expect(count("blob_uses")).toBe(0);
    await store[Symbol.asyncDispose]();
  });

  test("of a cleared hub go with it, and so does what a rewind cut off", async () => {
    const store = await openSqliteStoreInline({ path });
    const input = "x".repeat(50_000);
    const ref = await started(store, "a", "e1");
    await commit(store, failPart(ref, "e1"), { kind: "row", ref, row: { output: input } });
    const next = { ...nextExecution("e1"), input: `${input}in`, history: [eventRaised("kept", `${input}kept`)] };
    await commit(store, turnPart(ref, "e1", 1, { next, row: { output: undefined, status: "Running" } }));
    expect(count("blobs")).toBe(2);
    await commit(store, { kind: "clearHub", hub: keyOf("a").hub, limit: 9 });
    for (const table of ["instances", "history", "inbox", "blobs", "blob_uses"]) expect(count(table)).toBe(0);
    await store[Symbol.asyncDispose]();
  });
});

describe("deliveries that count once", () => {
  test("are forgotten when they have expired, a few with each new one", async () => {
    const store = await openSqliteStoreInline({ path });
    await started(store, "a", "e1");
    const raise = (key: string, at: number): Part => ({
      ...deliverPart("a", { ...eventRaised("x"), timestamp: at }),
      once: { key, until: at + 10 },
    });
    await commit(store, ...Array.from({ length: 100 }, (_, at) => raise(`old ${at}`, 0)));
    expect(count("deliveries")).toBe(100);
    await commit(store, deliverPart("a", eventRaised("x")), raise("old 1", 5));
    expect(count("deliveries")).toBe(100);
    const [before] = [count("deliveries"), await commit(store, raise("new", 10))];
    expect(Number(before) - Number(count("deliveries"))).toBeLessThan(10);
    for (let at = 0; at < 40; at++) await commit(store, raise(`new ${at}`, 11));
    expect(count("deliveries")).toBe(41);
    await store[Symbol.asyncDispose]();
  });
});
