// Opening the embedded engine: on its own, or with its ticks driven from outside.

import { type DrivenEngine, EmbeddedEngine } from "./embedded-engine.ts";
import type { Engine, EngineOptions } from "./engine.ts";
import type { EngineEnvironment } from "./environment.ts";

export type { DrivenEngine } from "./embedded-engine.ts";

/**
 * Opens the engine. A tick follows on the heels of what asked for it, after the calls and reports made in the same breath:
 * on the way from a commit to the next there is then one hop of the event loop, the one that a turn needs.
 */
export async function openEngine(options: EngineOptions & { readonly environment: EngineEnvironment }): Promise<Engine> {
  const engine: DrivenEngine = createEngine({ ...options, wake: () => queueMicrotask(() => void engine.loop.tick()) });
  return engine;
}

/** An engine that asks for its ticks by `wake`, for simulations and tests. */
export function createEngine(
  options: EngineOptions & { readonly environment: EngineEnvironment; readonly wake: () => void },
): DrivenEngine {
  const engine = new EmbeddedEngine(options);
  engine.loop.open();
  return engine;
}
