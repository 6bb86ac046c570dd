import { MessageChannel } from "node:worker_threads";
import { expect, test } from "vitest";
import { receive } from "./receive.ts";

/** What is taken until `last` is there; `answer` may send more. */
async function taken(first: readonly number[], last: number, answer: (message: number, send: (next: number) => void) => void = () => {}) {
  const { port1: sender, port2: receiver } = new MessageChannel();
  const send = (next: number): void => sender.postMessage(next);
  const seen: number[] = [];
  await new Promise<void>((resolve) => {
    receive<number>(receiver, (message) => {
      seen.push(message);
      answer(message, send);
      if (message === last) resolve();
    });
    for (const message of first) send(message);
  });
  sender.close();
  return seen;
}

const upTo = (last: number): readonly number[] => Array.from({ length: last }, (_, index) => index + 1);

test("what waits is taken once, in order", async () => {
  expect(await taken(upTo(2_000), 2_000)).toEqual(upTo(2_000));
});

test("so is what follows on an answer, and what comes beside it", async () => {
  const followed = await taken([1], 500, (message, send) => {
    if (message < 500) send(message + 1);
  });
  expect(followed).toEqual(upTo(500));
  const beside = await taken([1, 2, 3], 600, (message, send) => {
    if (message <= 597) send(message + 3);
  });
  expect(beside).toEqual(upTo(600));
});

test("a port that is closed by what was taken ends the waiting", async () => {
  const { port1: sender, port2: receiver } = new MessageChannel();
  const seen: string[] = [];
  const closed = new Promise<void>((resolve) => sender.once("close", () => resolve()));
  receive<string>(receiver, (message) => {
    seen.push(message);
    if (message === "close") receiver.close();
  });
  for (const message of ["one", "two", "close"]) sender.postMessage(message);
  await closed;
  expect(seen).toEqual(["one", "two", "close"]);
});
