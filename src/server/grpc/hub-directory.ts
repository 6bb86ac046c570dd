// A call names its hub in metadata. A hub is there as soon as it is named; what answers for those named lately is kept.

import type { Metadata } from "@grpc/grpc-js";
import type { Hub } from "../../loops/hub.ts";
import type { HubEngine } from "../../loops/hub-engine.ts";
import { DEFAULT_HUB } from "../../model/ids.ts";

const HUB_KEY = "taskhub";
const MAX_KEPT = 1_000;

export class HubDirectory {
  readonly #engine: Pick<HubEngine, "hub">;
  readonly #kept = new Map<string, Hub>();

  constructor(engine: Pick<HubEngine, "hub">) {
    this.#engine = engine;
  }

  of(metadata: Metadata): Hub {
    const named = metadata.get(HUB_KEY)[0]?.toString();
    const name = named === undefined || named === "" ? DEFAULT_HUB : named;
    const known = this.#kept.get(name);
    if (known !== undefined) return known;
    const hub = this.#engine.hub(name);
    if (this.#kept.size === MAX_KEPT)
      for (const oldest of this.#kept.keys()) {
        this.#kept.delete(oldest);
        break;
      }
    this.#kept.set(name, hub);
    return hub;
  }
}
