// Opening the embedded engine: on its own, or with its ticks driven from outside.

import { type DrivenEngine, EmbeddedEngine } from "./embedded-engine.ts";
import type { Engine, EngineOptions } from "./engine.ts";
import type { EngineEnvironment } from "./environment.ts";

export type { DrivenEngine } from "./embedded-engine.ts";

/** Opens the engine; ticks follow from the environment's hop. */
export async function openEngine(options: EngineOptions & { readonly environment: EngineEnvironment }): Promise<Engine> {
  const { hop } = options.environment;
  const engine: DrivenEngine = createEngine({ ...options, wake: () => hop(() => void engine.loop.tick()) });
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
