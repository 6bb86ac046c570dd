import { once } from "node:events";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { StreamedEvent } from "../../model/run-view.ts";
import { ask, open } from "./control-client.ts";
import type { ControlHandlers } from "./control-protocol.ts";
import { ControlServer } from "./control-server.ts";
import { openSocketDirectory, sweepSockets } from "./socket-directory.ts";

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "sock-"));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

function handlers(): ControlHandlers & {
  readonly heard: unknown[];
  tell: (event: StreamedEvent) => void;
  readonly stopped: Promise<void>;
} {
  const heard: unknown[] = [];
  const stopped = Promise.withResolvers<void>();
  const told = {
    heard,
    stopped: stopped.promise,
    tell: (_event: StreamedEvent) => {},
    ping: () => ({ runId: "r", pid: 1 }),
    cancel: async (reason: string, holder: string | undefined) => {
      if (reason === "no") throw new Error("not now");
      heard.push({ reason, holder });
    },
    view: () => ({ id: "r" }),
    follow(listener: (event: StreamedEvent) => void) {
      told.tell = listener;
      return { nextSeq: 7, stop: () => stopped.resolve() };
    },
    hint: () => void heard.push("hint"),
  };
  return told;
}

describe("a live run", () => {
  test("answers what it is asked, and says why it does not", async () => {
    const path = join(directory, "r.sock");
    const run = handlers();
    await using control = await ControlServer.listen(path, run);
    expect(control.path).toBe(path);
    expect(await ask(path, { op: "ping" })).toEqual({ runId: "r", pid: 1 });
    expect(await ask(path, { op: "view" })).toEqual({ id: "r" });
    await ask(path, { op: "cancel", reason: "because", holder: "job" });
    await ask(path, { op: "hint" });
    expect(run.heard).toEqual([{ reason: "because", holder: "job" }, "hint"]);
    await expect(ask(path, { op: "cancel", reason: "no" })).rejects.toThrow("not now");
    expect(await ask(join(directory, "nobody.sock"), { op: "ping" })).toBeUndefined();
  });

  test("survives what is no request, and endless ones", async () => {
    const path = join(directory, "r.sock");
    await using control = await ControlServer.listen(path, handlers());
    expect(control.path).toBe(path);
    const socket = connect(path);
    socket.write('nonsense\n{"op":"rm"}\n{"op":"cancel"}\n');
    let answered = "";
    while (answered.split("\n").length < 4) answered += String((await once(socket, "data"))[0]);
    expect(answered).toBe('{"error":"not a request"}\n'.repeat(3));
    socket.on("error", () => {});
    const closed = new Promise((resolve) => socket.once("close", resolve));
    socket.write("x".repeat(200_000));
    await closed;
    expect(await ask(path, { op: "ping" })).toEqual({ runId: "r", pid: 1 });
  });

  test("tells followers, and its end by the end of their connection", async () => {
    const path = join(directory, "r.sock");
    const run = handlers();
    const control = await ControlServer.listen(path, run);
    const follower = await open(path);
    const lines: string[] = [];
    follower?.onLine((line) => lines.push(line));
    expect(await follower?.ask({ op: "follow" })).toBe(7);
    run.tell({ schemaVersion: 1, seq: 7, at: "", type: "run.notice", message: "m" });
    await control[Symbol.asyncDispose]();
    await follower?.closed;
    await run.stopped;
    expect(lines.map((line) => JSON.parse(line).seq)).toEqual([7]);
    expect(existsSync(path)).toBe(false);
  });
});

describe("the folder of control sockets", () => {
  test("is private, short, and nobody else's", () => {
    const mine = openSocketDirectory({ XDG_RUNTIME_DIR: directory });
    expect(mine).toBe(join(directory, "signalbox"));
    expect(statSync(mine).mode & 0o777).toBe(0o700);
    chmodSync(mine, 0o755);
    openSocketDirectory({ XDG_RUNTIME_DIR: directory });
    expect(statSync(mine).mode & 0o777).toBe(0o700);
    expect(openSocketDirectory({ XDG_RUNTIME_DIR: `/tmp/${"x".repeat(100)}` })).toBe(`/tmp/signalbox-${process.getuid?.()}`);
    const other = join(directory, "other");
    mkdirSync(other);
    writeFileSync(join(other, "signalbox"), "");
    expect(() => openSocketDirectory({ XDG_RUNTIME_DIR: other })).toThrow(/something else is in its place|not a folder of yours/);
  });

  test("is swept of sockets on which nobody listens", async () => {
    const [alive, dead, young] = ["alive", "dead", "young"].map((name) => join(directory, `${name}.sock`)) as [string, string, string];
    const server = createServer().listen(alive);
    await once(server, "listening");
    // A file that is no socket is refused in the same way as one that nobody listens on.
    for (const path of [dead, young]) writeFileSync(path, "");
    const before = new Date(Date.now() - 60_000);
    for (const path of [alive, dead]) utimesSync(path, before, before);
    await sweepSockets(directory, Date.now());
    expect([alive, dead, young].map((path) => existsSync(path))).toEqual([true, false, true]);
    server.close();
    await once(server, "close");
  });
});
