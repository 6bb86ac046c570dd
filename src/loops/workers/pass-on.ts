// Any node takes what a worker says, and hands it to the node that dispatched the item: only that one knows what is out.

import { present } from "../../model/present.ts";
import type { ForeignCompletion, Sharing } from "../../store/store.ts";
import { subjectOf } from "./tokens.ts";
import type { Completion } from "./work-item.ts";
import type { WorkerEvent } from "./worker-events.ts";

/** What a worker said of an item. */
export type Passable = Extract<WorkerEvent, { kind: "ItemAnswered" | "ItemAbandoned" }>;

/** A completion, or that the item is given back. */
interface Word {
  readonly completion?: Completion;
  readonly reason?: string;
}

/** The worker hears when its answer lies in the store. `orphaned`: the node that dispatched the item is no more. */
export function passOn(sharing: Sharing, said: Passable, orphaned: (said: Passable) => void): void {
  const word: Word = said.kind === "ItemAnswered" ? { completion: said.completion } : present({ reason: said.reason });
  sharing.passCompletion(said.subject.epoch, { token: said.token, text: JSON.stringify(word) }).then(
    (isPassed) => (isPassed ? said.answer.accept() : orphaned(said)),
    (error: unknown) => said.answer.refuse(error instanceof Error ? error : new Error(String(error))),
  );
}

/** Undefined for what this version does not know. */
export function received({ token, text }: ForeignCompletion): Passable | undefined {
  const subject = subjectOf(token);
  const answer = { accept: () => {}, refuse: () => {} };
  if (subject === undefined) return undefined;
  // JSON that another node made.
  const { completion, reason } = JSON.parse(text) as Word;
  if (completion !== undefined) return { kind: "ItemAnswered", token, subject, completion, answer };
  return { kind: "ItemAbandoned", token, subject, answer, ...present({ reason }) };
}
