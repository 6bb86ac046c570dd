// An engine on the memory store under a virtual clock, driven by ticks: nothing happens but by `settle` and `advance`.

import type { EngineOptions } from "./engine.ts";
import type { Clock, EngineEnvironment } from "./environment.ts";
import { createEngine, type DrivenEngine } from "./open-engine.ts";

export class VirtualClock implements Clock {
  #now = 1_000_000;
  readonly #timers = new Map<() => void, number>();

  now(): number {
    return this.#now;
  }
  monotonic(): number {
    return this.#now;
  }
  setTimer(delayMs: number, callback: () => void): () => void {
    const ring = (): void => callback();
    this.#timers.set(ring, this.#now + delayMs);
    return () => this.#timers.delete(ring);
  }
  get armed(): number {
    return this.#timers.size;
  }
  move(ms: number): void {
    this.#now += ms;
    for (const [ring, at] of Array.from(this.#timers)) {
      if (at > this.#now) continue;
      this.#timers.delete(ring);
      ring();
    }
  }
}

export interface Driven {
  readonly engine: DrivenEngine;
  readonly clock: VirtualClock;
  /** Ticks until nothing asks for a tick any more. */
  settle(): Promise<void>;
  advance(ms: number): Promise<void>;
}

let serial = 0;

/** Under a virtual clock, driven by ticks. `create` makes what is driven, of the ports that it is given. */
export function driveTicks<Engine extends { readonly loop: { tick(): Promise<void> } }>(
  create: (ports: { readonly wake: () => void; readonly environment: EngineEnvironment }) => Engine,
  environment: Partial<EngineEnvironment> = {},
) {
  const clock = new VirtualClock();
  let isWanted = false;
  const engine = create({
    wake: () => {
      isWanted = true;
    },
    environment: {
      clock,
      ids: { uuid: () => `id-${++serial}` },
      hop: (callback) => void setImmediate(callback),
      checkReplays: true,
      defect: (error) => {
        throw error;
      },
      ...environment,
    },
  });
  const settle = async (): Promise<void> => {
    for (let quiet = 0; quiet < 3; ) {
      if (isWanted) {
        isWanted = false;
        quiet = 0;
        await engine.loop.tick();
      } else quiet += 1;
      await new Promise<void>((resolve) => void setImmediate(resolve));
    }
  };
  const advance = async (ms: number): Promise<void> => {
    clock.move(ms);
    await settle();
  };
  return { engine, clock, settle, advance };
}

export function drive(options: EngineOptions, environment: Partial<EngineEnvironment> = {}): Driven {
  return driveTicks((ports) => createEngine({ ...options, ...ports }), environment);
}
