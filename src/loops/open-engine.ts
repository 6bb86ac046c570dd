// Opening an engine: the typed one over one hub, or the one over all hubs; on its own, or with its ticks driven from outside.

import { type DrivenEngine, EmbeddedEngine } from "./embedded-engine.ts";
import type { Engine, EngineOptions } from "./engine.ts";
import type { EngineEnvironment } from "./environment.ts";
import type { HubEngine, HubsOptions } from "./hub-engine.ts";
import { Hubs } from "./hubs.ts";
import type { InstanceLoop } from "./instance-loop.ts";

export type { DrivenEngine } from "./embedded-engine.ts";

/**
 * Opens the engine. A tick follows on the heels of what asked for it, after the calls and reports made in the same breath:
 * on the way from a commit to the next there is then one hop of the event loop, the one that a turn needs.
 */
export async function openEngine(options: EngineOptions & { readonly environment: EngineEnvironment }): Promise<Engine> {
  const engine: DrivenEngine = createEngine({ ...options, wake: () => queueMicrotask(() => void engine.loop.tick()) });
  return engine;
}

/** Opens an engine over all hubs of the store; ticks as above. */
export async function openHubs(options: HubsOptions): Promise<HubEngine> {
  const engine = createHubs({ ...options, wake: () => queueMicrotask(() => void engine.loop.tick()) });
  return engine;
}

/** An engine that asks for its ticks by `wake`, for simulations and tests. */
export function createEngine(
  options: EngineOptions & { readonly environment: EngineEnvironment; readonly wake: () => void },
): DrivenEngine {
  return new EmbeddedEngine(options);
}

/** The same over all hubs. */
export function createHubs(options: HubsOptions & { readonly wake: () => void }): HubEngine & { readonly loop: InstanceLoop } {
  const hubs = new Hubs({ workers: {}, ...options });
  hubs.open();
  return hubs;
}
