import type { Call, Core } from "../core.ts";
import { storeOver } from "../facade.ts";
import type { Store } from "../store.ts";
import { HintLine } from "./hint-line.ts";
import { NodeSession } from "./node-session.ts";
import { PostgresDatabase } from "./postgres-database.ts";
import { fromPostgresError } from "./postgres-error.ts";
import { PostgresSharing } from "./postgres-sharing.ts";

export interface PostgresStoreOptions {
  /** `postgres://user:password@host:port/database`, straight to the server: no pooler in between. */
  readonly url: string;
  /** Of the tables; it is created if it is not there. */
  readonly schema?: string;
  /** For this long a server that is gone is looked for, before the store gives up. */
  readonly reconnectMs?: number;
}

const DEFAULT_SCHEMA = "signalbox";

/** Each opening is a node of its own; any number of them share one database. */
export async function openPostgresStore(options: PostgresStoreOptions): Promise<Store> {
  const settings = { schema: DEFAULT_SCHEMA, ...options };
  const session = await NodeSession.open(settings);
  const line = await HintLine.open(settings, session.epoch).catch(async (error: unknown) => {
    await session.leave();
    throw fromPostgresError(error, session.place);
  });
  const database = new PostgresDatabase(session, line);
  const call: Call<Core> = (name, ...parameters) => {
    // `Call` admits only names of methods, with their parameters: what the compiler loses here, it has checked at the call.
    const method = database[name] as (...parameters: unknown[]) => Promise<never>;
    const run = (): Promise<never> => method.apply(database, parameters);
    return database.inOrder(name === "commit" ? run : () => database.readAgain(run));
  };
  return storeOver({ epoch: database.epoch, call, close: () => database.close(), sharing: new PostgresSharing(database, line) });
}
