import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { SignalboxError } from "../../src/model/errors.ts";
import { encodeBatch } from "../../src/store/encoding/encode-part.ts";
import { openSqliteStoreInline } from "../../src/store/sqlite/open-inline.ts";
import { startStoreThread } from "../../src/store/sqlite/start-thread.ts";
import { type Mailbox, type Reply, type Request, StoreChannel } from "../../src/store/sqlite/store-channel.ts";
import { commit, keyOf, startPart } from "../store-conformance/fixtures.ts";
import { startOwner } from "./owner-process.ts";

let directory: string;
let path: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "signalbox-thread-"));
  path = join(directory, "store.db");
});
afterEach(() => rm(directory, { recursive: true }));

class ManualMailbox implements Mailbox {
  readonly sent: Request[] = [];
  isRef = false;
  postMessage(request: Request): void {
    this.sent.push(request);
  }
  ref(): void {
    this.isRef = true;
  }
  unref(): void {
    this.isRef = false;
  }
}

/** The thread without the store around it, so that a test can end it at any moment. */
async function startThread() {
  const { worker, port } = startStoreThread();
  const channel = new StoreChannel(port);
  port.postMessage({ path });
  const epoch = await new Promise<number>((resolve) => port.once("message", ([, answer]: Reply) => resolve(Number(answer))));
  port.on("message", (reply: Reply) => channel.receive(reply));
  worker.on("exit", () => channel.fail(new SignalboxError("STORE_IO", "gone")));
  const send = (id: string) => channel.commit(encodeBatch({ epoch, parts: [startPart(`${id}-1`, "e1"), startPart(`${id}-2`, "e1")] }));
  return { worker, send };
}

describe("the channel", () => {
  test("answers out of order reach their callers", async () => {
    const mailbox = new ManualMailbox();
    const channel = new StoreChannel(mailbox);
    const answers = [channel.call("awake", 1, 1), channel.call("awake", 2, 1), channel.call("awake", 3, 1)];
    expect(mailbox.isRef).toBe(true);
    for (const [call, , parameters] of mailbox.sent.toReversed()) channel.receive([call, [parameters[0]]] as Reply);
    expect(await Promise.all(answers)).toEqual([[1], [2], [3]]);
    expect(mailbox.isRef).toBe(false);
  });

  test("a full queue holds callers back, in order", async () => {
    const mailbox = new ManualMailbox();
    const channel = new StoreChannel(mailbox, 2);
    const answers = [1, 2, 3, 4, 5].map((after) => channel.call("awake", after, 1));
    for (let answered = 0; answered < 5; answered++) {
      expect(mailbox.sent).toHaveLength(Math.min(5, answered + 2));
      const [call, , parameters] = mailbox.sent[answered] ?? [0, "", []];
      expect(parameters[0]).toBe(answered + 1);
      channel.receive([call, [call]] as Reply);
    }
    expect(await Promise.all(answers)).toEqual([[1], [2], [3], [4], [5]]);
  });

  test("an answer twice, or to nobody, changes nothing", async () => {
    const mailbox = new ManualMailbox();
    const channel = new StoreChannel(mailbox, 1);
    const first = channel.call("nextDue");
    channel.receive([1, 7]);
    const second = channel.call("nextDue");
    channel.receive([1, 8]);
    channel.receive([99, 9]);
    channel.receive([2, 10]);
    expect([await first, await second]).toEqual([7, 10]);
  });

  test("errors keep their code; a lost thread refuses what waits and what comes", async () => {
    const mailbox = new ManualMailbox();
    const channel = new StoreChannel(mailbox, 1);
    const refused = channel.call("nextDue");
    channel.receive([1, null, "LIMIT_EXCEEDED", "too much", undefined]);
    await expect(refused).rejects.toMatchObject({ code: "LIMIT_EXCEEDED", message: "too much" });
    const waiting = [channel.call("nextDue"), channel.call("nextDue")];
    channel.fail(new SignalboxError("STORE_IO", "gone"));
    for (const call of [...waiting, channel.call("nextDue")]) await expect(call).rejects.toMatchObject({ code: "STORE_IO" });
    const closing = new StoreChannel(new ManualMailbox());
    const closed = closing.close();
    closing.fail(new SignalboxError("STORE_IO", "gone"));
    await expect(closed).rejects.toMatchObject({ code: "STORE_IO" });
  });
});

describe("a killed thread", () => {
  test("before a commit: it never happened, and the lock is free", async () => {
    const { worker, send } = await startThread();
    const ended = worker.terminate();
    await expect(send("late")).rejects.toMatchObject({ code: "STORE_IO" });
    await ended;
    await using store = await openSqliteStoreInline({ path });
    expect(await store.instance(keyOf("late-1"), false)).toBeUndefined();
  });

  test("during commits: each is there whole or not at all, and every acknowledged one is there", async () => {
    const { worker, send } = await startThread();
    const acknowledged: string[] = [];
    const sent = Array.from({ length: 60 }, (_, at) => `b${at}`);
    const sendAndNote = async (id: string): Promise<void> => {
      await send(id);
      acknowledged.push(id);
      if (acknowledged.length === 10) void worker.terminate();
    };
    await Promise.allSettled(sent.map(sendAndNote));
    await worker.terminate();
    expect(acknowledged.length).toBeGreaterThanOrEqual(10);
    await using store = await openSqliteStoreInline({ path });
    for (const id of sent) {
      const rows = [await store.instance(keyOf(`${id}-1`), false), await store.instance(keyOf(`${id}-2`), false)];
      expect(rows[0] === undefined).toBe(rows[1] === undefined);
      if (acknowledged.includes(id)) expect(rows[0]).toBeDefined();
    }
  });

  test("after a commit: it is there", async () => {
    const { worker, send } = await startThread();
    await send("a");
    await worker.terminate();
    await using store = await openSqliteStoreInline({ path });
    expect(await store.instance(keyOf("a-2"), false)).toBeDefined();
    expect(await commit(store, startPart("a-1", "e2"))).toMatchObject([{ kind: "taken" }]);
  });
});

describe("the watchdog (E13)", () => {
  test("a turn without an end stalls its instance durably and ends the process with code 5", async () => {
    await using owner = startOwner([path, "spin", "300"]);
    expect(await owner.ended()).toBe(5);
    expect(owner.stderr()).toMatch(/^signalbox: the instance "poison" \(flow\) is stalled: .*move long work into an activity.*\n$/);
    await using store = await openSqliteStoreInline({ path });
    expect((await store.instance(keyOf("poison"), false))?.stalled).toContain("computed for more than 0.3 s");
  });

  test("many short turns are no long one", async () => {
    await using owner = startOwner([path, "busy-but-well", "300"]);
    expect((await owner.lines.next()).value).toBe("well");
    expect(await owner.ended()).toBe(0);
    expect(owner.stderr()).toBe("");
  });
});
