// What a handler of a unary call may know about the call beside its request.

import type { Metadata, ServerUnaryCall } from "@grpc/grpc-js";
import type { Hub } from "../../loops/hub.ts";
import type { HubDirectory } from "./hub-directory.ts";

export type RawUnaryCall = ServerUnaryCall<Buffer, Uint8Array>;

export class UnaryCall {
  readonly #raw: RawUnaryCall;
  readonly #hubs: HubDirectory;

  constructor(raw: RawUnaryCall, hubs: HubDirectory) {
    this.#raw = raw;
    this.#hubs = hubs;
  }

  get hub(): Hub {
    return this.#hubs.of(this.#raw.metadata);
  }

  /** The address of the caller: no two living connections have the same. */
  get peer(): string {
    return this.#raw.getPeer();
  }

  get metadata(): Metadata {
    return this.#raw.metadata;
  }

  /** The request as it came. */
  get bytes(): Buffer {
    return this.#raw.request;
  }

  /** The caller gives up, or its connection breaks. */
  onCancelled(listener: () => void): void {
    if (this.#raw.cancelled) listener();
    else this.#raw.once("cancelled", listener);
  }
}
