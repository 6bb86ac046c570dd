// Leads live orchestrations through their events. Each event that may run code is followed by one macrotask hop, so that
// all microtasks have run before the next event: how events fall into turns cannot change a result. Every instance has its
// own place in the hop's queue; so the watch knows whose code runs, and the hops of many instances share one turn of Node's
// event loop. The first begins at once: no orchestrator's code is under way when turns begin.

import type { HistoryEvent } from "../model/events.ts";
import type { LiveOrchestration } from "./live-orchestration.ts";

/** Calls back after all microtasks have run, in the order of the calls. */
export type Hop = (callback: () => void) => void;

export interface TurnRun {
  readonly live: LiveOrchestration;
  /** What it has been through before, for a cold one. */
  readonly history: readonly HistoryEvent[];
  readonly events: readonly HistoryEvent[];
  /** Of `events`: how many it took; fewer if it ended on the way. */
  consumed: number;
}

export function runTurns<Run extends TurnRun>(
  runs: readonly Run[],
  hop: Hop,
  watch: { started(run: Run): void; ended(): void },
): Promise<void> {
  return new Promise((resolve) => {
    let left = runs.length;
    if (left === 0) return resolve();
    for (const [index, run] of runs.entries()) {
      let position = 0;
      const step = (): void => {
        run.live.settle();
        watch.started(run);
        const last = run.history.length + run.events.length;
        while (position <= last && run.live.problem === undefined && !run.live.hasEnded) {
          if (position === run.history.length) run.live.endReplay();
          const event = position < run.history.length ? run.history[position] : run.events[position - run.history.length];
          if (event === undefined || run.live.problem !== undefined) break;
          position += 1;
          if (run.live.feed(event)) return hop(step);
        }
        run.consumed = Math.max(0, position - run.history.length);
        watch.ended();
        left -= 1;
        if (left === 0) resolve();
      };
      if (index === 0) step();
      else hop(step);
    }
  });
}
