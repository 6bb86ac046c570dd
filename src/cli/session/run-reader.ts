// A run looked at from outside: a live one is asked through its control socket, a dead one is read from its store and its
// event stream. Nothing of it is changed.

import { closeSync, openSync, statSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import type { RunView, StreamedEvent } from "../../model/run-view.ts";
import type { ReadStore } from "../../store/store.ts";
import { createRunProjector } from "../../workflow/view/run-projector.ts";
import { ask, type Connection, open } from "./control-client.ts";
import { fileError, hasCode } from "./file-errors.ts";
import { interruptedView } from "./interrupted-view.ts";
import { LogTexts, streamed } from "./journal.ts";
import { readHistories } from "./read-histories.ts";
import { readJournal } from "./read-journal.ts";
import { RecordedFiles } from "./recorded-files.ts";
import { takenOverBy } from "./resume-run.ts";
import type { RunPaths } from "./run-directory.ts";
import { livingOwner } from "./run-owner.ts";
import type { RunFile } from "./run-record.ts";
import { runRecords } from "./run-services.ts";
import type { RunReader, RunSummary } from "./session.ts";
import type { SessionPlace } from "./start-run.ts";
import { withTakenOver } from "./taken-over.ts";

export interface EventsWanted {
  readonly fromSeq?: number;
  readonly follow?: boolean;
  readonly signal?: AbortSignal;
}

export class OutsideReader implements RunReader {
  readonly summary: RunSummary;
  readonly #place: SessionPlace;
  readonly #record: RunFile;
  readonly #paths: RunPaths;
  readonly #recorded: RecordedFiles;

  constructor(place: SessionPlace, record: RunFile, summary: RunSummary) {
    this.#place = place;
    this.#record = record;
    this.summary = summary;
    this.#paths = place.state.run(record.id);
    this.#recorded = new RecordedFiles(this.#paths.recorded);
  }

  async view(): Promise<RunView> {
    const owner = livingOwner(this.#paths.owner);
    if (owner !== undefined) {
      const view = await ask<RunView>(owner.socket, { op: "view" }).catch(() => undefined);
      if (view !== undefined) return view;
    }
    await using store = await this.#openStore();
    return await readView(this.#place, this.#record, this.#paths, this.#recorded, store);
  }

  async *events({ fromSeq = 0, follow = false, signal }: EventsWanted): AsyncIterable<StreamedEvent> {
    let next = fromSeq;
    for (;;) {
      signal?.throwIfAborted();
      // Listen first, read then: nothing falls between the two.
      const live = follow ? await follower(this.#paths.owner) : undefined;
      try {
        for (const event of readEvents(this.#paths, next, live?.nextSeq)) {
          next = event.seq + 1;
          yield event;
        }
        if (live === undefined) return;
        for await (const event of live.events(signal)) {
          if (event.seq < next) continue;
          next = event.seq + 1;
          yield event;
          if (event.type === "run.finished") return;
        }
      } finally {
        live?.close();
      }
      // Cut off, or the process has gone: what was written meanwhile stands in the file.
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {}

  /** Undefined: the run's process died before its store was there, and before it had told anything. */
  async #openStore(): Promise<ReadStore | undefined> {
    const { openSqliteReader } = await import("../../store/sqlite/open-inline.ts");
    try {
      return await openSqliteReader({ path: this.#paths.store });
    } catch (error) {
      if ((statSync(this.#paths.journal, { throwIfNoEntry: false })?.size ?? 0) > 0) throw error;
      return undefined;
    }
  }
}

/** A dead run's view, from its histories. */
export async function readView(
  place: Pick<SessionPlace, "dependencies">,
  record: RunFile,
  paths: RunPaths,
  recorded: RecordedFiles,
  store: ReadStore | undefined,
): Promise<RunView> {
  const records = runRecords(record, recorded);
  const expressions = await place.dependencies.expressions(records.run(record.id).inputs.options);
  const projector = createRunProjector({ runId: record.id, root: record.id, records, expressions });
  if (store !== undefined) projector.apply(await readHistories(store, record.id));
  const view = projector.view();
  // A run that came to nothing before its first commit.
  const known = view.file === "" ? { ...view, file: record.file, createdAt: record.createdAt } : view;
  const told = withTakenOver(known, takenOverBy(record, recorded));
  return livingOwner(paths.owner) === undefined ? interruptedView(told) : told;
}

function* readEvents(paths: RunPaths, from: number, before = Number.POSITIVE_INFINITY): Iterable<StreamedEvent> {
  let descriptor: number;
  try {
    descriptor = openSync(paths.journal, "r");
  } catch (error) {
    if (hasCode(error, "ENOENT")) return;
    throw fileError(`The run's event stream ${paths.journal} cannot be read`, error, "The run itself is not harmed.");
  }
  try {
    using texts = new LogTexts(paths.directory);
    const records: Parameters<Parameters<typeof readJournal>[2]>[0][] = [];
    readJournal(descriptor, paths.journal, (record) => {
      if (record.seq + record.events.length > from && record.seq < before) records.push(record);
    });
    for (const { seq, at, events } of records)
      for (const [index, event] of events.entries())
        if (seq + index >= from && seq + index < before) yield streamed(texts.restore(event), seq + index, at);
  } finally {
    closeSync(descriptor);
  }
}

interface LiveEvents {
  readonly nextSeq: number;
  events(signal: AbortSignal | undefined): AsyncIterable<StreamedEvent>;
  close(): void;
}

/** Undefined: no process carries the run out. */
async function follower(ownerFile: string): Promise<LiveEvents | undefined> {
  const owner = livingOwner(ownerFile);
  const connection = owner && (await open(owner.socket));
  if (owner === undefined) return undefined;
  if (connection === undefined) {
    // Alive, and not listening yet or no longer.
    await delay(20);
    return follower(ownerFile);
  }
  const waiting: StreamedEvent[] = [];
  let arrived = Promise.withResolvers<void>();
  let isClosed = false;
  const wake = () => {
    arrived.resolve();
    arrived = Promise.withResolvers();
  };
  connection.onLine((line) => {
    // From our own server: lines of the stream.
    waiting.push(JSON.parse(line) as StreamedEvent);
    wake();
  });
  const close = () => connection.close();
  const whenClosed = async () => {
    await connection.closed;
    isClosed = true;
    wake();
  };
  void whenClosed();
  const nextSeq = await nextSeqOf(connection);
  return {
    nextSeq,
    close,
    async *events(signal) {
      signal?.addEventListener("abort", close);
      try {
        for (;;) {
          const more = arrived.promise;
          for (let event = waiting.shift(); event !== undefined; event = waiting.shift()) yield event;
          if (isClosed) return;
          await more;
        }
      } finally {
        signal?.removeEventListener("abort", close);
      }
    },
  };
}

async function nextSeqOf(connection: Connection): Promise<number> {
  // The process may end in this moment: then everything is in the file.
  return Number(await connection.ask({ op: "follow" }).catch(() => Number.POSITIVE_INFINITY));
}
