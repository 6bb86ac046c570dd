// Which store is meant: a file, or a database of PostgreSQL.

import { mkdirSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { SignalboxError } from "../../model/errors.ts";
import { openPostgresStore } from "../../store/postgres/open-postgres-store.ts";
import { openSqliteStore } from "../../store/sqlite/open-threaded.ts";
import type { Store } from "../../store/store.ts";
import type { CommandContext } from "../command-context.ts";
import { systemReason } from "../system-reason.ts";
import { sessionEnvironment } from "../workflow-file/repository.ts";

export type StorePlace =
  | { readonly kind: "file"; readonly path: string }
  /** `shown` has no password. */
  | { readonly kind: "postgres"; readonly url: string; readonly shown: string };

/** Where nothing is said: a file among the state of this user. */
export function storePlace(given: string | undefined, context: CommandContext): StorePlace {
  if (given === undefined) {
    return { kind: "file", path: join(sessionEnvironment(context, undefined).stateDirectory, "serve", "signalbox.db") };
  }
  if (!/^[a-z][a-z0-9+.-]*:\/\//i.test(given)) return { kind: "file", path: resolve(context.workingDirectory, given) };
  const url = URL.parse(given);
  if (url === null || (url.protocol !== "postgres:" && url.protocol !== "postgresql:")) {
    throw new SignalboxError(
      "INVALID_ARGUMENT",
      "--store takes a file or postgres://USER@HOST:PORT/DATABASE. What was given is neither; a password with special characters has them percent-encoded.",
    );
  }
  const database = decodeURIComponent(url.pathname.slice(1));
  return { kind: "postgres", url: given, shown: `postgres://${url.host}/${database}` };
}

export function storeText(place: StorePlace): string {
  return place.kind === "file" ? place.path : place.shown;
}

/** Owned by this process; a file is made where there is none. */
export function openStore(place: StorePlace): Promise<Store> {
  if (place.kind === "postgres") return openPostgresStore({ url: place.url });
  const folder = dirname(place.path);
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw new SignalboxError(
      "INVALID_ARGUMENT",
      `Cannot make the folder "${folder}" of the store: ${systemReason(error)}. Choose another with --store.`,
      {
        cause: error,
      },
    );
  }
  return openSqliteStore({ path: place.path });
}
