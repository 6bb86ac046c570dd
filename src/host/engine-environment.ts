// The engine's ports on this machine: real clocks, ids and the event loop. The only place that makes them.

import { randomUUID } from "node:crypto";
import type { EngineEnvironment } from "../loops/environment.ts";

/** The longest delay that a timer of Node takes. */
const LONGEST_DELAY_MS = 2 ** 31 - 1;

export const engineEnvironment: EngineEnvironment = {
  clock: {
    now: () => Date.now(),
    monotonic: () => performance.now(),
    setTimer: (delayMs, callback) => {
      const timer = setTimeout(callback, Math.min(Math.max(delayMs, 0), LONGEST_DELAY_MS));
      return () => clearTimeout(timer);
    },
  },
  ids: { uuid: () => randomUUID() },
  hop: (callback) => void setImmediate(callback),
  // Out of the loop's way, so that it counts as what it is: an error of the program that nobody caught.
  defect: (error) =>
    queueMicrotask(() => {
      throw error;
    }),
};
