// Where actions stand below a step, compared.

import type { ActionPlace } from "./host-port.ts";

export function isSamePlace(one: ActionPlace, other: ActionPlace): boolean {
  return one.length === other.length && comparePlaces(one, other) === 0;
}

/** In the order of declaration. */
export function comparePlaces(one: ActionPlace, other: ActionPlace): number {
  for (const [level, index] of one.entries()) {
    const difference = index - (other[level] ?? -1);
    if (difference !== 0) return difference;
  }
  return one.length - other.length;
}
