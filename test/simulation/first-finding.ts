import { memoryBackend } from "./backends.ts";
import type { Plant } from "./plant.ts";
import { simulate } from "./simulate.ts";
import type { Violation } from "./world.ts";

/** A planted fault is found within so many. */
export const MAX_SEEDS = 60;

/** The first finding of that check, or of any: a fault may show itself to others first. */
export async function firstFinding(plant: () => Plant, check?: string): Promise<Violation | undefined> {
  let other: Violation | undefined;
  for (let seed = 1; seed <= MAX_SEEDS; seed++) {
    const { violation } = await simulate({ seed, backend: await memoryBackend(), plant: plant() });
    if (violation !== undefined && violation.check === (check ?? violation.check)) return violation;
    other ??= violation;
  }
  return other;
}
