// The checks that every batch passes: when it is asked for, when it is carried out, and when an instance is read.

import type { InstanceRef, Part, PartAnswer, StoredInstance, TurnPart } from "../../src/store/store.ts";
import type { Deliveries } from "./activities.ts";
import type { ActivityResult } from "./interpreter.ts";
import * as invariants from "./invariants.ts";
import type { Ledger } from "./ledger.ts";
import type { World } from "./world.ts";

export class CommitChecks {
  readonly ledger: Ledger;
  /** Instances whose turns the store was made to refuse. */
  readonly atFault = new Set<InstanceRef>();
  readonly #world: World;
  readonly #deliveries: Deliveries;

  constructor(world: World, ledger: Ledger, deliveries: Deliveries) {
    this.#world = world;
    this.ledger = ledger;
    this.#deliveries = deliveries;
  }

  submitted(outstanding: ReadonlySet<InstanceRef>, parts: readonly Part[]): void {
    this.#world.check("E1", invariants.e1OneTurnIsOutstanding(outstanding, parts));
  }

  /** Part by part, each against what the parts before it have made. */
  applied(parts: readonly Part[], answers: readonly PartAnswer[]): void {
    this.#world.check("E2", invariants.e2EveryPartIsAnswered(parts, answers));
    for (const [index, part] of parts.entries()) {
      if (part.kind === "turn") this.#turn(part);
      if (part.kind === "row" && part.row.stalled !== undefined) {
        const { ref, row } = part;
        const finding = invariants.e13OnlyTheFaultyStalls(this.ledger.instances.get(ref), row.stalled ?? "", this.atFault.has(ref));
        this.#world.check("E13", finding);
      }
      this.ledger.apply(part, answers[index]);
    }
    for (const part of parts) if (part.kind === "turn") this.#world.check("E9", invariants.e9TerminateReachesChildren(this.ledger, part));
  }

  loaded(ref: InstanceRef, stored: StoredInstance | undefined): void {
    this.#world.check("E2", invariants.e2StoreHoldsWholeCommits(this.ledger, ref, stored));
    this.#world.check("E7", invariants.e7InboxIsReadWhole(this.ledger, ref, stored));
  }

  #turn(part: TurnPart): void {
    const instance = this.ledger.instances.get(part.ref);
    const world = this.#world;
    if (instance === undefined) return world.violate("E2", `a turn of instance ${part.ref} is carried out, which is not there`);
    world.check("E8", invariants.e8TerminalIsTerminal(instance, part));
    world.check("E8", invariants.e8TerminateWins(instance, part));
    world.check("E6", invariants.e6ResolutionsMatch(instance, part));
    world.check("E7", invariants.e7MessagesInOrder(instance, part));
    world.check("E9", invariants.e9EndArmsNoTimers(instance, part));
    world.check("Time", invariants.turnTimeNeverGoesBack(instance, part));
    for (const event of part.append) {
      if (event.kind !== "TaskCompleted" || event.result === undefined) continue;
      const { delivery } = JSON.parse(event.result) as ActivityResult;
      world.check("E5", this.#deliveries.e5FirstCompletionSettles(delivery));
    }
  }
}
