// A client with a hub of its own: it starts programs that never end and wakes entities, clears the hub in the middle of it
// all, and expects nothing to be left (E3), whatever comes late.

import type { HubClient } from "../../src/loops/engine.ts";
import type { Value } from "../../src/runtime/context.ts";
import { type AskingOptions, ask } from "./asking.ts";
import { PROGRAMS } from "./interpreter.ts";
import type { Ledger } from "./ledger.ts";
import type { Clearing, ProgramInput } from "./program.ts";
import type { OperationInput } from "./sim-entity.ts";

export const CLEARED_HUB = "cleared";

export class ClearingClient {
  readonly #options: AskingOptions & { readonly ledger: Ledger };
  readonly #clearing: Clearing;
  isDone = false;
  readonly doing = "clearing a hub";

  constructor(options: AskingOptions & { readonly ledger: Ledger }, clearing: Clearing) {
    this.#options = options;
    this.#clearing = clearing;
  }

  async run(): Promise<void> {
    const { world, machine, ledger } = this.#options;
    const { programs, entities, afterMs } = this.#clearing;
    for (const [index, program] of programs.entries()) {
      const instanceId = `cleared ${index}`;
      const input: ProgramInput = { program, path: instanceId, round: 0, results: [] };
      const start = (client: HubClient): Promise<unknown> => client.start(PROGRAMS[program.where], input, { instanceId, replaceable: [] });
      await ask(this.#options, `start ${instanceId}`, CLEARED_HUB, start, ["ALREADY_EXISTS"]);
    }
    for (const entity of entities) {
      const input: OperationInput = { from: "clearing", amount: 1 };
      const signal = (client: HubClient): Promise<void> => client.signalEntity(entity, "add", input as unknown as Value);
      await ask(this.#options, `signal ${entity}`, CLEARED_HUB, signal, []);
    }
    await world.sleep(afterMs);
    await ask(this.#options, "clear", CLEARED_HUB, () => this.#clear(machine), []);
    const left = [...ledger.instances.values()].find(({ hub }) => hub === CLEARED_HUB);
    if (left !== undefined) world.violate("E3", `a caller was told that the hub is cleared, and "${left.instanceId}" is there`);
    this.isDone = true;
  }

  async #clear(machine: AskingOptions["machine"]): Promise<void> {
    const { hubs } = await machine.process();
    await hubs.hub(CLEARED_HUB).clear();
  }
}
