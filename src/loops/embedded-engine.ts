// The typed face of one hub of a loop in this process, with the loop's life.

import type { SignalboxError } from "../model/errors.ts";
import { DEFAULT_HUB } from "../model/ids.ts";
import type { Engine, EngineOptions } from "./engine.ts";
import type { EngineEnvironment } from "./environment.ts";
import { Hubs } from "./hubs.ts";
import type { InstanceLoop } from "./instance-loop.ts";
import { TypedHub } from "./typed-hub.ts";

/** An engine whose ticks are driven by hand. */
export interface DrivenEngine extends Engine {
  readonly loop: InstanceLoop;
}

export class EmbeddedEngine extends TypedHub implements DrivenEngine {
  readonly loop: InstanceLoop;
  readonly stopped: Promise<SignalboxError | undefined>;
  readonly #hubs: Hubs;

  constructor(options: EngineOptions & { readonly environment: EngineEnvironment; readonly wake: () => void }) {
    const hubs = new Hubs(options);
    super(hubs.hub(options.hub ?? DEFAULT_HUB), options.environment.ids, hubs.limits.maxPayloadLength);
    this.#hubs = hubs;
    this.loop = hubs.loop;
    this.stopped = hubs.stopped;
    hubs.open();
  }

  close(options: { readonly drainMs?: number } = {}): Promise<void> {
    return this.#hubs.close(options);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
