import type { Sharing } from "../store/store.ts";
import type { Clock } from "./environment.ts";

/** Nodes that share a store go by its clock, however theirs are set: a timer that one has armed is due at the same moment at all. */
export function sharedClock(own: Clock, sharing: Sharing): Clock {
  return {
    now: () => sharing.now(),
    monotonic: () => own.monotonic(),
    setTimer: (delayMs, callback) => own.setTimer(delayMs, callback),
  };
}
