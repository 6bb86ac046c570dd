// The table of docs/spec/ownership.md, cell by cell, on a real server.

import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { isSignalboxError } from "../../src/model/errors.ts";
import { openPostgresStore } from "../../src/store/postgres/open-postgres-store.ts";
import type { Store } from "../../src/store/store.ts";
import { commit, deliverPart, endPart, eventRaised, started, turnPart } from "../store-conformance/fixtures.ts";
import { newSchema, useServer } from "./backend.ts";
import { withClient } from "./server.ts";

const server = useServer();

interface Scene {
  readonly schema: string;
  readonly node: Store;
  readonly other: Store;
}

const STATES: { readonly [state: string]: (scene: Scene) => Promise<number> } = {
  free: async ({ other }) => {
    const ref = await started(other, "a", "e1");
    await commit(other, { kind: "release", refs: [ref] });
    return ref;
  },
  mine: ({ node }) => started(node, "a", "e1"),
  elsewhere: ({ other }) => started(other, "a", "e1"),
  orphaned: async ({ other, schema }) => {
    const ref = await started(other, "a", "e1");
    await withClient(server.url, (client) => client.query(`UPDATE ${schema}.nodes SET is_dead = true WHERE epoch = ${other.epoch}`));
    return ref;
  },
  ended: async ({ node }) => {
    const ref = await started(node, "a", "e1");
    await commit(node, endPart(ref, "e1"));
    return ref;
  },
};

const EVENTS: { readonly [event: string]: (node: Store, ref: number) => Promise<unknown> } = {
  deliver: (node) => commit(node, deliverPart("a", eventRaised("x"))),
  load: (node, ref) => node.load(ref),
  opening: (node) => node.awake(0, 9),
  claim: async (node) => await node.sharing?.claim(undefined, undefined, 9),
  turn: (node, ref) => commit(node, turnPart(ref, "e1", 0, { append: [eventRaised("x")] })),
  end: (node, ref) => commit(node, endPart(ref, "e1")),
  release: (node, ref) => commit(node, { kind: "release", refs: [ref] }),
  takeOver: (node) => commit(node, { kind: "takeOver" }),
  leave: async (node) => await node[Symbol.asyncDispose](),
};

async function stateOf({ schema, node, other }: Scene, ref: number): Promise<string> {
  return await withClient(server.url, async (client) => {
    const { rows } = await client.query(
      `SELECT owner::int, status, (SELECT is_dead FROM ${schema}.nodes WHERE epoch = owner) AS is_dead FROM ${schema}.instances WHERE ref = ${ref}`,
    );
    const [{ owner, status, is_dead: isDead }] = rows;
    if (status === "Completed" && owner === null) return "ended";
    if (owner === null) return "free";
    if (isDead !== false) return "orphaned";
    return owner === node.epoch ? "mine" : owner === other.epoch ? "elsewhere" : `owned by ${owner}`;
  });
}

function cells(): readonly (readonly [state: string, event: string, next: string])[] {
  const page = readFileSync(new URL("../../docs/spec/ownership.md", import.meta.url), "utf8");
  const lines = page.slice(page.indexOf("| state | deliver |")).split("\n\n")[0]?.split("\n") ?? [];
  const [head = [], , ...rows] = lines.map((line) =>
    line
      .split("|")
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
  return rows.flatMap(([state = "", ...nexts]) => nexts.map((next, at) => [state, head[at + 1] ?? "", next] as const));
}

describe("the table of ownership", () => {
  test("names every state and every event", () => {
    expect(new Set(cells().map(([state]) => state))).toEqual(new Set(Object.keys(STATES)));
    expect(new Set(cells().map(([, event]) => event))).toEqual(new Set(Object.keys(EVENTS)));
  });

  test.each(cells())("%s, %s: %s", async (state, event, next) => {
    const schema = newSchema();
    const open = (): Promise<Store> => openPostgresStore({ url: server.url, schema });
    await using node = await open();
    await using other = await open();
    const scene = { schema, node, other };
    const [arrange, act] = [STATES[state], EVENTS[event]];
    if (arrange === undefined || act === undefined) throw new Error(`the page has a cell that this test does not know: ${state}, ${event}`);
    const ref = await arrange(scene);
    const refused = await act(node, ref).then(
      () => false,
      (error: unknown) => isSignalboxError(error, "STORE_REFUSED"),
    );
    expect(refused).toBe(next === "refused");
    expect(await stateOf(scene, ref)).toBe(next === "refused" ? state : next);
  });
});
