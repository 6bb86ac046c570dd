// Concurrency groups between processes: who holds a group and who waits for it, in one small file for all runs of a
// repository. Each change is one short immediate transaction, so a process that is killed at any moment of taking or
// releasing has changed everything or nothing; what it then still holds is taken from it because it is dead, not because
// time has passed. That at most one holds a group is a unique index, not a promise.
//
// The file is in rollback-journal mode: it is written a few times a run, and one file is easier to look after than three.

import { DatabaseSync } from "node:sqlite";
import { SignalboxError } from "../../model/errors.ts";
import { storeError } from "./lock-errors.ts";
import { type GroupChange, type LockParty, type LockRequest, type LockTicket, MAX_PENDING, type Standing } from "./parties.ts";
import { isAlive as isProcessAlive, type ProcessIdentity } from "./process-identity.ts";

const SCHEMA_VERSION = 1;
const SCHEMA = `
  CREATE TABLE parties(
    place INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL, run TEXT NOT NULL, requester TEXT NOT NULL,
    pid INTEGER NOT NULL, started TEXT NOT NULL, socket TEXT NOT NULL,
    fence INTEGER,
    UNIQUE (name, run, requester)
  ) STRICT;
  CREATE UNIQUE INDEX one_holder ON parties(name) WHERE fence IS NOT NULL;
  CREATE TABLE fences(last INTEGER NOT NULL) STRICT;
  INSERT INTO fences VALUES (0);
  PRAGMA user_version = ${SCHEMA_VERSION};
`;

/** How long a transaction waits for another process's, in milliseconds; each takes well under one. */
const BUSY_MS = 10_000;

export interface LockStoreOptions {
  readonly isAlive?: (process: ProcessIdentity) => boolean;
}

interface PartyRow {
  readonly place: number;
  readonly name: string;
  readonly run: string;
  readonly requester: string;
  readonly pid: number;
  readonly started: string;
  readonly socket: string;
  readonly fence: number | null;
}

export class LockStore implements Disposable {
  readonly #database: DatabaseSync;
  readonly #file: string;
  readonly #isAlive: (process: ProcessIdentity) => boolean;

  /** Opens the file, and creates it where there is none. Throws STORE_IO, STORE_CORRUPT or STORE_NEWER. */
  constructor(file: string, options: LockStoreOptions = {}) {
    this.#file = file;
    this.#isAlive = options.isAlive ?? isProcessAlive;
    this.#database = this.#guarded(() => new DatabaseSync(file, { timeout: BUSY_MS }));
    try {
      this.#migrate();
    } catch (error) {
      this.#database.close();
      throw error;
    }
  }

  /** Asks for a group. Asking again for the same ticket (a resumed run) keeps its place and changes its process. */
  request(request: LockRequest): GroupChange {
    const name = fold(request.group);
    return this.#transaction(() => {
      const takenFrom = this.#removeDead(name, request.run);
      const mine = this.#find(request);
      if (mine !== undefined) {
        this.#run(
          "UPDATE parties SET pid = ?, started = ?, socket = ? WHERE place = ?",
          request.process.pid,
          request.process.startedAt,
          request.socket,
          mine.place,
        );
        // A new process is a new holder: what the old one still believes is fenced off.
        if (mine.fence !== null) this.#run("UPDATE parties SET fence = ? WHERE place = ?", this.#nextFence(), mine.place);
        return this.#answer(request, takenFrom, []);
      }
      const rows = this.#group(name);
      const holder = rows.find((row) => row.fence !== null);
      const pending = rows.filter((row) => row.fence === null);
      if (request.queue === "max" && holder !== undefined && pending.length >= MAX_PENDING)
        return { standing: { kind: "displaced" }, displaced: [], ...(takenFrom && { takenFrom }) };
      const displaced = request.queue === "single" ? pending : [];
      for (const row of displaced) this.#run("DELETE FROM parties WHERE place = ?", row.place);
      this.#run(
        "INSERT INTO parties(name, run, requester, pid, started, socket) VALUES (?, ?, ?, ?, ?, ?)",
        name,
        request.run,
        request.requester,
        request.process.pid,
        request.process.startedAt,
        request.socket,
      );
      const change = this.#answer(request, takenFrom, displaced.map(party));
      return request.cancelInProgress && change.standing.kind === "pending" ? { ...change, toCancel: change.standing.holder } : change;
    });
  }

  /** Where a ticket stands now; takes the group for it if it is first in line and nobody alive holds it. */
  poll(ticket: LockTicket): GroupChange {
    return this.#transaction(() => this.#answer(ticket, this.#removeDead(fold(ticket.group), ticket.run), []));
  }

  /** Gives the group or the waiting place back; answers who holds the group now because of it. */
  release(ticket: LockTicket): LockParty | undefined {
    const name = fold(ticket.group);
    return this.#transaction(() => {
      this.#run("DELETE FROM parties WHERE name = ? AND run = ? AND requester = ?", name, ticket.run, ticket.requester);
      this.#removeDead(name, ticket.run);
      return this.#promote(name);
    });
  }

  /** Gives back everything of a run. */
  releaseRun(run: string): readonly LockParty[] {
    return this.#transaction(() => {
      const names = this.#all<{ name: string }>("DELETE FROM parties WHERE run = ? RETURNING name", run);
      return names.map(({ name }) => this.#promote(name)).filter((promoted) => promoted !== undefined);
    });
  }

  /** Whether the ticket still holds its group under that fence: asked before a run starts anything. */
  holds(ticket: LockTicket, fence: number): boolean {
    return this.#guarded(() => this.#find(ticket)?.fence === fence);
  }

  /** What a run holds or waits for, by the record of its last process. */
  ticketsOf(run: string): readonly (LockTicket & { readonly isHeld: boolean })[] {
    return this.#guarded(() =>
      this.#all<PartyRow>("SELECT * FROM parties WHERE run = ? ORDER BY place", run).map((row) => ({
        group: row.name,
        run: row.run,
        requester: row.requester,
        isHeld: row.fence !== null,
      })),
    );
  }

  [Symbol.dispose](): void {
    this.#database.close();
  }

  #answer(ticket: LockTicket, takenFrom: LockParty | undefined, displaced: readonly LockParty[]): GroupChange {
    const promoted = this.#promote(fold(ticket.group));
    const others = promoted !== undefined && !isSame(promoted, ticket) ? { promoted } : {};
    return { standing: this.#standing(ticket), displaced, ...others, ...(takenFrom && { takenFrom }) };
  }

  #standing(ticket: LockTicket): Standing {
    const mine = this.#find(ticket);
    if (mine === undefined) return { kind: "displaced" };
    if (mine.fence !== null) return { kind: "running", fence: mine.fence };
    const rows = this.#group(mine.name);
    const holder = rows.find((row) => row.fence !== null);
    if (holder === undefined) throw new SignalboxError("INTERNAL", `The group ${mine.name} has somebody waiting and nobody running.`);
    return {
      kind: "pending",
      holder: party(holder),
      ahead: rows.filter((row) => row.fence === null && row.place < mine.place).length + 1,
    };
  }

  /** Removes those of the group whose process has died; answers the holder among them. The run that asks is alive: it asks. */
  #removeDead(name: string, asking: string): LockParty | undefined {
    let holder: LockParty | undefined;
    for (const row of this.#group(name)) {
      if (row.run === asking || this.#isAlive({ pid: row.pid, startedAt: row.started })) continue;
      this.#run("DELETE FROM parties WHERE place = ?", row.place);
      if (row.fence !== null) holder = party(row);
    }
    return holder;
  }

  #promote(name: string): LockParty | undefined {
    const rows = this.#group(name);
    const first = rows[0];
    if (first === undefined || rows.some((row) => row.fence !== null)) return undefined;
    this.#run("UPDATE parties SET fence = ? WHERE place = ?", this.#nextFence(), first.place);
    return party(first);
  }

  #nextFence(): number {
    const [row] = this.#all<{ last: number }>("UPDATE fences SET last = last + 1 RETURNING last");
    if (row === undefined)
      throw new SignalboxError("STORE_CORRUPT", `${this.#file} has lost its counter. Remove the file while no run is active.`);
    return row.last;
  }

  #group(name: string): readonly PartyRow[] {
    return this.#all<PartyRow>("SELECT * FROM parties WHERE name = ? ORDER BY place", name);
  }

  #find(ticket: LockTicket): PartyRow | undefined {
    return this.#all<PartyRow>(
      "SELECT * FROM parties WHERE name = ? AND run = ? AND requester = ?",
      fold(ticket.group),
      ticket.run,
      ticket.requester,
    )[0];
  }

  #migrate(): void {
    // Creating is a transaction too: of several processes that open the first time, one creates and the others find it.
    this.#transaction(() => {
      const version = this.#all<{ user_version: number }>("PRAGMA user_version")[0]?.user_version ?? 0;
      if (version > SCHEMA_VERSION)
        throw new SignalboxError(
          "STORE_NEWER",
          `${this.#file} was written by a newer Signalbox. Use that version, or another --state directory.`,
        );
      if (version === 0) this.#database.exec(SCHEMA);
    });
  }

  #transaction<Result>(change: () => Result): Result {
    return this.#guarded(() => {
      this.#database.exec("BEGIN IMMEDIATE");
      try {
        const result = change();
        this.#database.exec("COMMIT");
        return result;
      } catch (error) {
        if (this.#database.isTransaction) this.#database.exec("ROLLBACK");
        throw error;
      }
    });
  }

  #guarded<Result>(work: () => Result): Result {
    try {
      return work();
    } catch (error) {
      throw storeError(error, this.#file);
    }
  }

  /** The rows are those of our own schema: the columns asked for, in the types it declares. */
  #all<Row>(sql: string, ...values: readonly (string | number)[]): readonly Row[] {
    return this.#database.prepare(sql).all(...values) as unknown as readonly Row[];
  }

  #run(sql: string, ...values: readonly (string | number)[]): void {
    this.#database.prepare(sql).run(...values);
  }
}

const fold = (group: string): string => group.toLowerCase();

const isSame = (one: LockTicket, other: LockTicket): boolean => one.run === other.run && one.requester === other.requester;

const party = (row: PartyRow): LockParty => ({
  group: row.name,
  run: row.run,
  requester: row.requester,
  process: { pid: row.pid, startedAt: row.started },
  socket: row.socket,
});
