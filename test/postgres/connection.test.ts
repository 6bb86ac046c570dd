import { describe, expect, test } from "vitest";
import { openPostgresStore } from "../../src/store/postgres/open-postgres-store.ts";
import type { Store } from "../../src/store/store.ts";
import { commit, deliverPart, endPart, eventRaised, inboxOf, keyOf, started, startPart, turnPart } from "../store-conformance/fixtures.ts";
import { crash, newSchema, useServer } from "./backend.ts";
import { startProxy } from "./cutting-proxy.ts";
import { withClient } from "./server.ts";

const server = useServer();

function socketDirectory(): string {
  const directory = server.server.socketDirectory;
  if (directory === undefined) throw new Error("a proxy stands before a server of ours only");
  return directory;
}

/** The same numbers at every run. */
function* pseudoRandom(seed: number, limit: number): Generator<number> {
  for (let state = seed; ; ) {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
    yield state % limit;
  }
}

async function open(schema: string, url = server.url): Promise<Store> {
  return await openPostgresStore({ url, schema, reconnectMs: 5_000 });
}

describe("a connection that is cut at any byte", () => {
  test.each([
    ["messages", 1_400],
    ["turns", 700],
  ])("loses no batch of %s and carries none out twice", async (what, bytes) => {
    await using proxy = await startProxy(socketDirectory());
    await using store = await open(newSchema(), proxy.url);
    const ref = await started(store, "a", "e1");
    const cutAt = pseudoRandom(7, bytes);
    for (let at = 0; at < 120; at++) {
      if (at % 2 === 0) proxy.cutAfter(cutAt.next().value);
      const part = what === "turns" ? turnPart(ref, "e1", at, { append: [eventRaised(`${at}`)] }) : deliverPart("a", eventRaised(`${at}`));
      const [answer] = await commit(store, part);
      expect(answer?.kind).toBe(what === "turns" ? "turned" : "delivered");
    }
    proxy.cutAfter(undefined);
    expect(proxy.cuts).toBeGreaterThan(20);
    const events = what === "turns" ? (await store.history(keyOf("a"), 0))?.events : (await inboxOf(store, ref)).slice(1);
    expect(events?.map((event) => event.kind === "EventRaised" && event.name)).toEqual(Array.from({ length: 120 }, (_, at) => `${at}`));
  });

  test("is made again for reads, too", async () => {
    await using proxy = await startProxy(socketDirectory());
    await using store = await open(newSchema(), proxy.url);
    const ref = await started(store, "a", "e1");
    for (let at = 0; at < 20; at++) {
      proxy.cutAfter(at * 40);
      expect((await store.load(ref))?.row.ref).toBe(ref);
    }
  });
});

describe("opening", () => {
  test("a pooler in between is refused, with what to do", async () => {
    // A pooler makes up the process id in its BackendKeyData: 'K', length 12, pid, secret.
    await using proxy = await startProxy(socketDirectory(), (bytes) => {
      const at = bytes.indexOf(Buffer.from([0x4b, 0, 0, 0, 12]));
      if (at >= 0) bytes.writeInt32BE(4_711, at + 5);
      return bytes;
    });
    await expect(open(newSchema(), proxy.url)).rejects.toMatchObject({ code: "UNSUPPORTED", message: expect.stringContaining("pooler") });
  });

  test("a newer schema, and one of another program, are left alone", async () => {
    const schema = newSchema();
    await (await open(schema))[Symbol.asyncDispose]();
    await withClient(server.url, (client) => client.query(`INSERT INTO ${schema}.schema_version VALUES (99)`));
    await expect(open(schema)).rejects.toMatchObject({ code: "STORE_NEWER" });
    const other = newSchema();
    await withClient(server.url, (client) => client.query(`CREATE SCHEMA ${other}; CREATE TABLE ${other}.theirs ()`));
    await expect(open(other)).rejects.toMatchObject({ code: "INVALID_ARGUMENT", message: expect.stringContaining("another program") });
  });

  test("many at once make one schema and as many nodes", async () => {
    const schema = `odd "${newSchema()}" name`;
    const stores = await Promise.all(Array.from({ length: 6 }, () => open(schema)));
    expect(new Set(stores.map(({ epoch }) => epoch)).size).toBe(6);
    await Promise.all(stores.map((store, at) => commit(store, startPart(`i${at}`, "e1"))));
    await Promise.all(stores.map((store) => store[Symbol.asyncDispose]()));
    await withClient(server.url, (client) => client.query(`DROP SCHEMA ${client.escapeIdentifier(schema)} CASCADE`));
  });

  test("a server that is not there is said so, without the password", async () => {
    const failing = open(newSchema(), "postgres://user:secret@localhost/none?host=/nowhere");
    await expect(failing).rejects.toMatchObject({ code: "STORE_IO", message: expect.not.stringContaining("secret") });
  });
});

describe("nodes that meet in one batch", () => {
  test("deliver crosswise to each other's instances without loss or deadlock", async () => {
    const schema = newSchema();
    await using a = await open(schema);
    await using b = await open(schema);
    const own = async (store: Store, name: string): Promise<readonly string[]> => {
      const ids = Array.from({ length: 8 }, (_, at) => `${name}${at}`);
      await commit(store, ...ids.map((id) => startPart(id, "e1")));
      return ids;
    };
    const ids = [...(await own(a, "a")), ...(await own(b, "b"))];
    const send = async (store: Store, targets: readonly string[]): Promise<void> => {
      for (let round = 0; round < 60; round++) await commit(store, ...targets.map((id) => deliverPart(id, eventRaised(`${round}`))));
    };
    await Promise.all([send(a, ids), send(b, ids.toReversed())]);
    for (const id of ids) {
      const row = await a.instance(keyOf(id), false);
      const [reader] = id.startsWith("a") ? [a] : [b];
      expect(await inboxOf(reader, row?.ref ?? 0)).toHaveLength(121);
    }
  });

  test("of two starts of one id one is taken", async () => {
    const schema = newSchema();
    await using a = await open(schema);
    await using b = await open(schema);
    for (let at = 0; at < 40; at++) {
      const answers = await Promise.all([a, b].map((store) => commit(store, startPart(`i${at}`, "e1"))));
      expect(
        answers
          .flat()
          .map(({ kind }) => kind)
          .toSorted(),
      ).toEqual(["started", "taken"]);
    }
  });

  test("a turn of an instance that another node owns is refused, and its messages are for the owner", async () => {
    const schema = newSchema();
    await using a = await open(schema);
    await using b = await open(schema);
    const ref = await started(a, "a", "e1");
    await expect(commit(b, turnPart(ref, "e1", 0, { append: [eventRaised("x")] }))).rejects.toMatchObject({ code: "STORE_REFUSED" });
    expect(await b.load(ref)).toBeUndefined();
    expect(await commit(b, deliverPart("a", eventRaised("x")))).toMatchObject([{ kind: "delivered", isElsewhere: true }]);
    await commit(a, { kind: "release", refs: [ref] });
    expect(await commit(b, deliverPart("a", eventRaised("y")))).toMatchObject([{ kind: "delivered" }]);
    await commit(b, turnPart(ref, "e1", 0, { append: [eventRaised("x")] }));
    await expect(commit(a, turnPart(ref, "e1", 1, { append: [eventRaised("x")] }))).rejects.toMatchObject({ code: "STORE_REFUSED" });
    await commit(b, endPart(ref, "e1", 1));
  });

  test("an activity is one node's at a time", async () => {
    const schema = newSchema();
    await using a = await open(schema);
    await using b = await open(schema);
    const ref = await started(a, "a", "e1");
    const addActivities = Array.from({ length: 40 }, (_, at) => ({ actionId: at + 1, name: "work", scheduledAt: 1, inFlight: false }));
    await commit(a, turnPart(ref, "e1", 0, { addActivities }));
    const claimed = await Promise.all([a, b].map(async (store) => (await store.sharing?.claimActivities([{ name: "work" }], 30)) ?? []));
    const ids = claimed.flat().map(({ actionId }) => actionId);
    expect(new Set(ids).size).toBe(ids.length);
    const [first] = claimed[1] ?? [];
    if (first === undefined) return;
    const { actionId, executionId } = first;
    const attempt = { kind: "attempt", activity: { ref, executionId, actionId }, attempt: 1, inFlight: true } as const;
    expect(await commit(a, attempt)).toEqual([{ kind: "unclaimed" }]);
    expect(await commit(b, attempt)).toEqual([{ kind: "done" }]);
  });
});

describe("claims", () => {
  const queued = { actionId: 1, name: "work", scheduledAt: 1, inFlight: false };

  test("a node that is marked dead claims nothing", async () => {
    const schema = newSchema();
    await using a = await open(schema);
    const dead = await open(schema);
    const ref = await started(a, "a", "e1");
    await commit(a, turnPart(ref, "e1", 0, { addActivities: [queued] }));
    await withClient(server.url, (client) => client.query(`UPDATE ${schema}.nodes SET is_dead = true WHERE epoch = ${dead.epoch}`));
    expect(await dead.sharing?.claimActivities([{ name: "work" }], 9)).toEqual([]);
    await dead[Symbol.asyncDispose]();
    expect(await a.sharing?.claimActivities([{ name: "work" }], 9)).toMatchObject([{ actionId: 1 }]);
  });

  test("whose answer was lost are found, and can be given back", async () => {
    const schema = newSchema();
    await using a = await open(schema);
    const ref = await started(a, "a", "e1");
    await commit(a, turnPart(ref, "e1", 0, { addActivities: [queued] }));
    // Nobody looks at the answer.
    await a.sharing?.claimActivities([{ name: "work" }], 9);
    const claimed = (await a.sharing?.claimedActivities()) ?? [];
    expect(claimed).toMatchObject([{ ref, executionId: "e1", actionId: 1 }]);
    await a.sharing?.returnActivities(claimed.map(({ order }) => order));
    expect(await a.sharing?.claimActivities([{ name: "work" }], 9)).toMatchObject([{ actionId: 1, attempt: 1 }]);
  });

  test("answers of workers stay until the node that they are for has seen them", async () => {
    const schema = newSchema();
    await using a = await open(schema);
    await using b = await open(schema);
    expect(await b.sharing?.passCompletion(a.epoch, { token: "t\0", text: "one" })).toBe(true);
    expect(await b.sharing?.passCompletion(a.epoch + 100, { token: "t", text: "none" })).toBe(false);
    const first = (await a.sharing?.takeCompletions([], 9)) ?? [];
    expect(first).toMatchObject([{ token: "t\0", text: "one" }]);
    expect(await a.sharing?.takeCompletions([], 9)).toEqual(first);
    expect(
      await a.sharing?.takeCompletions(
        first.map(({ id }) => id),
        9,
      ),
    ).toEqual([]);
  });
});

describe("a server that cannot write", () => {
  test("ends the store's use, and says why", async () => {
    const schema = newSchema();
    const store = await open(schema);
    await started(store, "a", "e1");
    await withClient(server.url, (client) =>
      client.query(`CREATE FUNCTION ${schema}.full() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'no space left' USING ERRCODE = '53100'; END $$;
        CREATE TRIGGER is_full BEFORE INSERT ON ${schema}.inbox FOR EACH ROW EXECUTE FUNCTION ${schema}.full()`),
    );
    await expect(commit(store, deliverPart("a", eventRaised("x")))).rejects.toMatchObject({
      code: "STORE_IO",
      message: expect.stringContaining("Free space"),
    });
    await expect(store.instance(keyOf("a"), false)).rejects.toMatchObject({ code: "STORE_IO" });
    await store[Symbol.asyncDispose]();
  });

  test("takes nothing from a node that another one has taken over", async () => {
    const schema = newSchema();
    const old = await open(schema);
    const ref = await started(old, "a", "e1");
    await crash(server.url, schema, old.epoch);
    // It makes its connection again; but in the meantime somebody marked it dead.
    await withClient(server.url, (client) => client.query(`UPDATE ${schema}.nodes SET is_dead = true WHERE epoch = ${old.epoch}`));
    await using store = await open(schema);
    await commit(store, { kind: "takeOver" });
    await expect(commit(old, turnPart(ref, "e1", 0, { append: [eventRaised("x")] }))).rejects.toMatchObject({ code: "OWNERSHIP_LOST" });
    expect((await store.load(ref))?.row.turnAttempt).toBe(1);
    await old[Symbol.asyncDispose]();
  });
});
