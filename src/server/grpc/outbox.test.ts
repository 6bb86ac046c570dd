import { describe, expect, test } from "vitest";
import { asExecutionId, asInstanceId } from "../../model/ids.ts";
import type { WorkItem } from "../../model/work-item.ts";
import { Outbox } from "./outbox.ts";

const item = (token: string): WorkItem => ({
  sort: "entity",
  token,
  instanceId: asInstanceId("@a@b"),
  executionId: asExecutionId("e"),
  state: undefined,
  operations: [],
});

/** An outbox whose every item is 10 bytes, and a connection that takes them one by one. */
function fixture(maxBytes = 30) {
  const written: { readonly bytes: Uint8Array; readonly left: () => void }[] = [];
  const encoded: string[] = [];
  const unsendable: string[] = [];
  const clock = { now: 0 };
  const outbox = new Outbox(maxBytes, {
    encode: ({ token }) => {
      if (token === "poison") throw new Error("cannot be encoded");
      encoded.push(token);
      return new Uint8Array(10);
    },
    write: (bytes, left) => void written.push({ bytes, left }),
    unsendable: (token) => void unsendable.push(token),
    now: () => clock.now,
  });
  /** The connection takes the oldest. */
  const take = (): void => written.shift()?.left();
  return { outbox, written, encoded, unsendable, clock, take };
}

describe("an outbox", () => {
  test("encodes no more than fits on the way, and the rest in order as it leaves", () => {
    const { outbox, encoded, take } = fixture();
    for (const token of ["1", "2", "3", "4", "5"]) outbox.push(item(token));
    expect(encoded).toEqual(["1", "2", "3"]);
    take();
    expect(encoded).toEqual(["1", "2", "3", "4"]);
    for (let taken = 0; taken < 4; taken++) take();
    expect(encoded).toEqual(["1", "2", "3", "4", "5"]);
    expect(outbox.isBusy).toBe(false);
  });

  test("an item larger than the bound goes alone", () => {
    const { outbox, encoded, take } = fixture(5);
    outbox.push(item("1"));
    outbox.push(item("2"));
    expect(encoded).toEqual(["1"]);
    take();
    expect(encoded).toEqual(["1", "2"]);
  });

  test("one that cannot be encoded is given back and does not stop the others", () => {
    const { outbox, encoded, unsendable } = fixture();
    for (const token of ["1", "poison", "2"]) outbox.push(item(token));
    expect([encoded, unsendable]).toEqual([["1", "2"], ["poison"]]);
  });

  test("says when anything moved last: what stands still is told from what is slow", () => {
    const { outbox, clock, take } = fixture();
    clock.now = 5;
    outbox.push(item("1"));
    expect([outbox.isBusy, outbox.movedAt]).toEqual([true, 5]);
    clock.now = 9;
    outbox.push(item("2"));
    expect(outbox.movedAt).toBe(5);
    take();
    expect(outbox.movedAt).toBe(9);
  });

  test("closed it takes and sends nothing", () => {
    const { outbox, encoded, written, take } = fixture(10);
    outbox.push(item("1"));
    outbox.push(item("2"));
    outbox.close();
    take();
    outbox.push(item("3"));
    outbox.send(new Uint8Array(1));
    expect([encoded, written]).toEqual([["1"], []]);
  });
});
