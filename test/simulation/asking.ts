// How a client of a machine calls: what no living process has answered it asks again.

import type { HubClient } from "../../src/loops/engine.ts";
import { isSignalboxError } from "../../src/model/errors.ts";
import { DEFAULT_HUB } from "../../src/model/ids.ts";
import type { Machine } from "./machine.ts";
import type { World } from "./world.ts";

/** Calls that have not been answered by a living process. */
const MAX_TRIES = 200;

export interface AskingOptions {
  readonly world: World;
  readonly machine: Machine;
}

export interface Asked<T> {
  /** Undefined: refused, with an error that is expected here. */
  readonly value: T | undefined;
  readonly isRepeated: boolean;
}

/** Until a living process has answered. */
export async function ask<T>(
  { world, machine }: AskingOptions,
  what: string,
  hub: string,
  call: (engine: HubClient, isRepeated: boolean) => Promise<T>,
  accepted: readonly string[],
): Promise<Asked<T>> {
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const process = await machine.process();
    const answer = await Promise.race([
      call(hub === DEFAULT_HUB ? process.engine : process.client(hub), tries > 0).then(
        (value) => ({ kind: "answer" as const, value }),
        (error: unknown) => ({ kind: "error" as const, error }),
      ),
      process.over.then(() => ({ kind: "over" as const })),
    ]);
    if (answer.kind === "answer") {
      world.trace(`answer ${what}`);
      return { value: answer.value, isRepeated: tries > 0 };
    }
    if (answer.kind === "over") continue;
    const code = isSignalboxError(answer.error) ? answer.error.code : undefined;
    world.trace(`error ${what} ${code ?? String(answer.error)}`);
    if (code !== undefined && accepted.includes(code)) return { value: undefined, isRepeated: tries > 0 };
    if (code === "SHUT_DOWN" || code === "STORE_IO") await Promise.race([process.over, world.sleep(1_000)]);
    else if (code === "LIMIT_EXCEEDED" || code === "STORE_REFUSED")
      await world.sleep(world.random.int("asks again after", 1, 50 * (tries + 1)));
    else {
      world.violate("E14", `"${what}" fails: ${String(answer.error)}`);
      return { value: undefined, isRepeated: tries > 0 };
    }
  }
  world.violate("E14", `"${what}" is not answered in ${MAX_TRIES} tries`);
  return { value: undefined, isRepeated: true };
}
