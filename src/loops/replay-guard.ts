// Test mode: a warm turn and a full replay of the same history must ask for the same.

import type { InstanceState } from "../engine/state.ts";
import { LiveOrchestration } from "../runtime/live-orchestration.ts";
import { type Hop, runTurns, type TurnRun } from "../runtime/run-turns.ts";
import type { Definitions } from "./definitions.ts";
import type { Entry } from "./entry.ts";

export async function checkReplays(
  runs: readonly (TurnRun & { readonly entry: Entry; readonly state: InstanceState })[],
  hop: Hop,
  maxPayloadLength: number,
  definitions: Definitions,
): Promise<void> {
  const pairs = runs.flatMap((warm) => {
    const { entry, state, events, live } = warm;
    if (live.problem !== undefined || entry.history.length === 0) return [];
    const definition = definitions.orchestrator(state.row.name, state.row.version);
    if (definition === undefined) return [];
    const cold: TurnRun = {
      live: new LiveOrchestration(definition, entry.history, maxPayloadLength),
      history: entry.history,
      events,
      consumed: 0,
    };
    return [{ warm, cold }];
  });
  await runTurns(
    pairs.map(({ cold }) => cold),
    hop,
    { started: () => {}, ended: () => {} },
  );
  for (const { warm, cold } of pairs) {
    const difference = cold.live.problem ?? differ(warm, cold);
    cold.live.drop();
    if (difference !== undefined) warm.live.stall(`A warm turn and its replay differ: ${difference}`);
  }
}

function differ(warm: TurnRun, cold: TurnRun): string | undefined {
  const [live, replayed] = [JSON.stringify(warm.live.asked), JSON.stringify(cold.live.asked)];
  if (warm.consumed !== cold.consumed) return `${warm.consumed} events were taken live, ${cold.consumed} in replay.`;
  return live === replayed ? undefined : `live it asks for ${live}, in replay for ${replayed}.`;
}
