// A client of a remote server: the calls of an engine, with the same values.

import type { HubClient } from "../../loops/engine.ts";
import { DEFAULT_LIMITS } from "../../loops/environment.ts";
import { TypedHub } from "../../loops/typed-hub.ts";
import { Connection } from "../connection.ts";
import type { ConnectionOptions } from "../connection-options.ts";
import type { RemoteEnvironment } from "../remote-environment.ts";
import { Calls } from "./calls.ts";
import { RemoteHub } from "./remote-hub.ts";

export interface RemoteClientOptions extends ConnectionOptions {
  /** How long a call goes on trying while the server is away, in milliseconds; 30,000 if absent. */
  readonly awayMs?: number;
  /** In bytes of JSON, for one input, output or event; 16 MiB if absent. */
  readonly maxPayloadLength?: number;
}

/**
 * Calls are repeated while the connection is lost, if that changes nothing: all but `purge`, `rewind` and `restart`, which are
 * made once and then fail with UNAVAILABLE. `query` by name or tags reads what the other filters leave, page by page.
 */
export interface RemoteClient extends HubClient, AsyncDisposable {
  /** Ends the connection; calls under way fail with SHUT_DOWN. */
  close(): Promise<void>;
}

const DEFAULT_AWAY_MS = 30_000;

/** Connects when the first call is made. */
export function connectClient(options: RemoteClientOptions & { readonly environment: RemoteEnvironment }): RemoteClient {
  const { environment, awayMs = DEFAULT_AWAY_MS, maxPayloadLength = DEFAULT_LIMITS.maxPayloadLength } = options;
  const calls = new Calls(new Connection(options, environment.clock), environment, awayMs);
  return new GrpcClient(calls, environment, maxPayloadLength);
}

class GrpcClient extends TypedHub implements RemoteClient {
  readonly #calls: Calls;

  constructor(calls: Calls, { ids }: RemoteEnvironment, maxPayloadLength: number) {
    super(new RemoteHub(calls, ids), ids, maxPayloadLength);
    this.#calls = calls;
  }

  async close(): Promise<void> {
    this.#calls.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
