// A batch as one flat list, for the way to the store's thread: cloning a list of numbers and texts costs a third of cloning
// the objects of a turn, and turns are nearly all that is sent. Other parts travel in the list as they are.

import type { PartAnswer } from "../store.ts";
import type { ChangeColumn, EncodedActivity, EncodedBatch, EncodedPart, EncodedTurn, NewExecution } from "./parts.ts";

type Cell = string | number | boolean | null | object;

/** The epoch, the blobs or null, and the parts. */
export type PackedBatch = readonly Cell[];

export function packBatch(batch: EncodedBatch): PackedBatch {
  const cells: Cell[] = [batch.epoch, batch.blobs.length === 0 ? null : batch.blobs];
  for (const part of batch.parts) {
    if (part.kind === "turn") packTurn(part, cells);
    else cells.push(part);
  }
  return cells;
}

function packTurn(turn: EncodedTurn, cells: Cell[]): void {
  const { append, change, addActivities, addTimers } = turn;
  cells.push(turn.ref, turn.executionId, turn.historyLength, append.text, append.count, append.bytes);
  cells.push(change.status, change.updatedAt, turn.next, turn.ended);
  cells.push(turn.consumed.length, ...turn.consumed);
  cells.push(turn.removeActivities.length, ...turn.removeActivities);
  cells.push(turn.removeTimers.length, ...turn.removeTimers);
  cells.push(change.columns.length);
  for (const [column, value] of change.columns) cells.push(column, value);
  cells.push(addActivities.length);
  for (const activity of addActivities) cells.push(activity.actionId, activity.inFlight, activity.work);
  cells.push(addTimers.length);
  for (const timer of addTimers) cells.push(timer.timerId, timer.fireAt);
}

export function unpackBatch(cells: PackedBatch): EncodedBatch {
  const parts: EncodedPart[] = [];
  const cursor = new Cursor(cells);
  const epoch = cursor.next<number>();
  const blobs = cursor.next<EncodedBatch["blobs"] | null>();
  while (!cursor.isAtEnd) {
    const cell = cursor.next<EncodedPart | number>();
    parts.push(typeof cell === "number" ? unpackTurn(cell, cursor) : cell);
  }
  return { epoch, parts, blobs: blobs ?? [] };
}

/** Reads the cells in the order in which packTurn wrote them; each call names the type that stands there. */
class Cursor {
  readonly #cells: readonly Cell[];
  #at = 0;

  constructor(cells: readonly Cell[]) {
    this.#cells = cells;
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#cells.length;
  }

  next<Value>(): Value {
    return this.#cells[this.#at++] as Value;
  }

  list<Value>(read: () => Value): readonly Value[] {
    const count = this.next<number>();
    const list: Value[] = [];
    for (let at = 0; at < count; at++) list.push(read());
    return list;
  }
}

function unpackTurn(ref: number, cursor: Cursor): EncodedTurn {
  const readNumber = (): number => cursor.next<number>();
  // The properties are evaluated in order: the order of packTurn.
  const executionId = cursor.next<string>();
  const historyLength = readNumber();
  const append = { text: cursor.next<string>(), count: readNumber(), bytes: readNumber() };
  const status = cursor.next<string | null>();
  const updatedAt = cursor.next<number | null>();
  const next = cursor.next<NewExecution | null>();
  const ended = cursor.next<EncodedTurn["ended"]>();
  const consumed = cursor.list(readNumber);
  const removeActivities = cursor.list(readNumber);
  const removeTimers = cursor.list(readNumber);
  const columns = cursor.list(() => [cursor.next<ChangeColumn>(), cursor.next<string | number | null>()] as const);
  const addActivities = cursor.list(
    (): EncodedActivity => ({ actionId: readNumber(), inFlight: cursor.next<boolean>(), work: cursor.next<string>() }),
  );
  const addTimers = cursor.list(() => ({ timerId: readNumber(), fireAt: readNumber() }));
  const change = { status, updatedAt, columns };
  return {
    kind: "turn",
    ref,
    executionId,
    historyLength,
    consumed,
    append,
    next,
    change,
    addActivities,
    addTimers,
    removeActivities,
    removeTimers,
    ended,
  };
}

/** Answers that say nothing but "turned" or "done" travel as these. */
export type PackedAnswer = 0 | 1 | PartAnswer;

const TURNED: PartAnswer = { kind: "turned", inboxKeys: [] };
const DONE: PartAnswer = { kind: "done" };

export function packAnswers(answers: readonly PartAnswer[]): readonly PackedAnswer[] {
  return answers.map((answer) => {
    if (answer.kind === "turned" && answer.inboxKeys.length === 0) return 0;
    return answer.kind === "done" ? 1 : answer;
  });
}

export function unpackAnswers(packed: readonly PackedAnswer[]): readonly PartAnswer[] {
  return packed.map((answer) => (answer === 0 ? TURNED : answer === 1 ? DONE : answer));
}
