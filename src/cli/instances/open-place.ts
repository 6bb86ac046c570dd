// The instances of one hub, in a running server or in the file of a store. A file is read beside its owner; to change something
// in it, it must have none: then this command is its owner for a moment.

import { existsSync } from "node:fs";
import { engineEnvironment } from "../../host/engine-environment.ts";
import type { HubClient } from "../../loops/engine.ts";
import { DEFAULT_LIMITS } from "../../loops/environment.ts";
import type { HubEngine } from "../../loops/hub-engine.ts";
import { openHubs } from "../../loops/open-engine.ts";
import { TypedHub } from "../../loops/typed-hub.ts";
import { isSignalboxError, SignalboxError } from "../../model/errors.ts";
import { connectClient } from "../../remote/client/remote-client.ts";
import type { ConnectionOptions } from "../../remote/connection-options.ts";
import { openSqliteReader } from "../../store/sqlite/open-inline.ts";
import { openSqliteStore } from "../../store/sqlite/open-threaded.ts";
import type { Store } from "../../store/store.ts";
import type { CommandContext } from "../command-context.ts";
import { storePlace } from "../server/store-place.ts";
import { readGiven, tokenOf } from "../server/token.ts";
import { DEFAULT_SERVER, type PlaceOptions } from "./instance-options.ts";
import { type InstanceReader, readerOf } from "./store-reader.ts";

/** A server that does not answer by then is not there; it may be on its way up. */
const AWAY_MS = 1_000;

export type Opened<Face> = Face & AsyncDisposable;

export async function openForLooking(options: PlaceOptions, context: CommandContext): Promise<Opened<InstanceReader>> {
  if (options.store === undefined) return await connect(options, context);
  const store = await openSqliteReader({ path: fileOf(options.store, options, context) });
  return { ...readerOf(store, options.hub), [Symbol.asyncDispose]: () => store[Symbol.asyncDispose]() };
}

export async function openForChanging(options: PlaceOptions, context: CommandContext): Promise<Opened<HubClient>> {
  if (options.store === undefined) return await connect(options, context);
  const path = fileOf(options.store, options, context);
  if (!existsSync(path)) throw new SignalboxError("NOT_FOUND", `There is no store at "${path}".`);
  const engine = await openHubs({ store: await own(path), environment: engineEnvironment, workers: {} });
  return new OwnedHub(engine, options.hub);
}

class OwnedHub extends TypedHub implements AsyncDisposable {
  readonly #engine: HubEngine;

  constructor(engine: HubEngine, name: string) {
    super(engine.hub(name), engineEnvironment.ids, DEFAULT_LIMITS.maxPayloadLength);
    this.#engine = engine;
  }

  /** What needs no worker, such as a termination, is carried out before it closes. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.#engine.close({ drainMs: 1_000 });
  }
}

async function own(path: string): Promise<Store> {
  try {
    return await openSqliteStore({ path });
  } catch (error) {
    if (!isSignalboxError(error, "STORE_LOCKED")) throw error;
    const [inUse] = error.message.split(". ");
    const message = `${inUse}. Ask that server for the change: the same command with --server HOST:PORT (default ${DEFAULT_SERVER}) instead of --store.`;
    throw new SignalboxError("STORE_LOCKED", message, { cause: error });
  }
}

function fileOf(store: string, { server }: PlaceOptions, context: CommandContext): string {
  if (server !== undefined) throw new SignalboxError("INVALID_ARGUMENT", "--server and --store name two places: give one of them.");
  const place = storePlace(store, context);
  if (place.kind === "file") return place.path;
  throw new SignalboxError("INVALID_ARGUMENT", `--store takes a file here. Of a database ask one of its servers: --server HOST:PORT.`);
}

async function connect(options: PlaceOptions, context: CommandContext): Promise<Opened<HubClient>> {
  const { server: address = DEFAULT_SERVER, hub } = options;
  const [token, tls] = await Promise.all([tokenOf(options.tokenFile, context), tlsOf(options, context)]);
  const environment = { ...engineEnvironment, random: () => Math.random() };
  return connectClient({ address, hub, awayMs: AWAY_MS, environment, ...(token !== undefined && { token }), tls });
}

async function tlsOf(
  { tls = false, tlsCa, tlsCert, tlsKey }: PlaceOptions,
  context: CommandContext,
): Promise<NonNullable<ConnectionOptions["tls"]>> {
  if (tlsCa === undefined && tlsCert === undefined && tlsKey === undefined) return tls;
  const read = (option: string, file: string | undefined) => (file === undefined ? undefined : readGiven(option, file, context));
  const [ca, certificate, key] = await Promise.all([read("--tls-ca", tlsCa), read("--tls-cert", tlsCert), read("--tls-key", tlsKey)]);
  return { ...(ca !== undefined && { ca }), ...(certificate !== undefined && { certificate }), ...(key !== undefined && { key }) };
}
