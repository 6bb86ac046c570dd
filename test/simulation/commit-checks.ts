// The checks that every batch passes: when it is asked for, when it is carried out, and when an instance is read.

import { isEntityId } from "../../src/model/entity.ts";
import type { InstanceRef, Part, PartAnswer, StoredInstance, TurnPart } from "../../src/store/store.ts";
import type { Deliveries } from "./activities.ts";
import * as entities from "./entity-invariants.ts";
import { type ActivityResult, PROGRAMS } from "./interpreter.ts";
import * as invariants from "./invariants.ts";
import type { Ledger, LedgerInstance } from "./ledger.ts";
import type { SentItems } from "./sent-items.ts";
import type { World } from "./world.ts";

export class CommitChecks {
  readonly ledger: Ledger;
  /** Instances whose turns the store was made to refuse. */
  readonly atFault = new Set<InstanceRef>();
  readonly #world: World;
  readonly #deliveries: Deliveries;
  readonly #sent: SentItems;
  /** Calls of entities that have their answer. */
  readonly #answered = new Set<string>();
  /** The last operation that was served of each sender, by entity. */
  readonly #served = new Map<string, number>();

  constructor(world: World, ledger: Ledger, deliveries: Deliveries, sent: SentItems) {
    this.#world = world;
    this.ledger = ledger;
    this.#deliveries = deliveries;
    this.#sent = sent;
  }

  submitted(parts: readonly Part[]): void {
    this.#world.check("E1", invariants.e1OneTurnIsOutstanding(this.ledger.outstanding, parts));
  }

  /** Part by part, each against what the parts before it have made. */
  applied(parts: readonly Part[], answers: readonly PartAnswer[]): void {
    this.#world.check("E2", invariants.e2EveryPartIsAnswered(parts, answers));
    for (const [index, part] of parts.entries()) {
      if (part.kind === "turn") this.#turn(part, parts);
      this.#settles(part, answers[index]);
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

  #settles(part: Part, answer: PartAnswer | undefined): void {
    if (part.kind === "settle" && answer?.kind === "settled") {
      this.#world.check("E5", invariants.e5SettledOnce(this.ledger, part));
    }
    if ("once" in part && answer !== undefined) this.#world.check("E5", invariants.e5RepeatedDeliveryCountsOnce(this.ledger, part, answer));
  }

  #turn(part: TurnPart, batch: readonly Part[]): void {
    const instance = this.ledger.instances.get(part.ref);
    const world = this.#world;
    if (instance === undefined) return world.violate("E2", `a turn of instance ${part.ref} is carried out, which is not there`);
    if (isEntityId(instance.instanceId)) return this.#entityTurn(instance, part, batch);
    if (invariants.isRewind(part)) this.#deliveries.rewound(part.ref, part.executionId);
    world.check("E8", invariants.e8TerminalIsTerminal(instance, part));
    world.check("E8", invariants.e8TerminateWins(instance, part));
    world.check("E6", invariants.e6ResolutionsMatch(instance, part));
    world.check("E7", invariants.e7MessagesInOrder(instance, part));
    world.check("E9", invariants.e9EndArmsNoTimers(instance, part));
    world.check("Time", invariants.turnTimeNeverGoesBack(instance, part));
    if (instance.name === PROGRAMS.elsewhere && needsItsWorker(part)) world.check("E5", this.#sent.e5TurnIsAnAnswer(part));
    if (this.#deliveries.wasRewound(part.ref, part.executionId)) return;
    for (const event of part.append) {
      if (event.kind !== "TaskCompleted" || event.result === undefined) continue;
      const { delivery } = JSON.parse(event.result) as ActivityResult;
      world.check("E5", this.#deliveries.e5FirstCompletionSettles(delivery));
    }
  }

  #entityTurn(entity: LedgerInstance, part: TurnPart, batch: readonly Part[]): void {
    const world = this.#world;
    world.check("E16", entities.e16OnlyTheHolderIsServed(entity, part));
    world.check("E16", entities.e16LocksMoveByMessages(entity, part));
    world.check("E16", entities.e16UnlockGoesOn(entity, part, batch));
    world.check("E16", entities.e16CallsAreAnsweredOnce(entity, part, batch, this.#answered));
    world.check("E7", entities.e7OperationsInOrder(entity, part, this.#served));
    world.check("Time", entities.operationsWaitForTheirTime(entity, part));
  }
}

/** Terminates, suspends and resumes take effect without the code of an orchestration. */
function needsItsWorker({ append }: TurnPart): boolean {
  if (append.some(({ kind }) => kind === "ExecutionTerminated")) return false;
  return append.some(({ kind }) => kind !== "OrchestratorStarted" && kind !== "ExecutionSuspended" && kind !== "ExecutionResumed");
}
