// A condition of which nobody tells: asked again and again, bounded in time.

import { setTimeout as pause } from "node:timers/promises";

export async function until(holds: () => boolean | Promise<boolean>, withinMs = 30_000): Promise<void> {
  const end = performance.now() + withinMs;
  while (!(await holds())) {
    if (performance.now() > end) throw new Error(`not within ${withinMs} ms: ${holds.toString()}`);
    await pause(5);
  }
}
