// What the engine has sent to workers out of process, and what they have answered. The checks compare each item with the
// ledger and with what its stream may get.

import { subjectOf } from "../../src/loops/workers/tokens.ts";
import type { Action } from "../../src/model/actions.ts";
import type { InstanceRef, TurnPart } from "../../src/model/parts.ts";
import {
  type ActivityItem,
  type Completion,
  type EntityItem,
  type TurnItem,
  WORK_SORTS,
  type WorkItem,
  type WorkSort,
} from "../../src/model/work-item.ts";
import * as invariants from "./invariants.ts";
import { activityName, type Ledger } from "./ledger.ts";
import type { Plan } from "./program.ts";
import type { SimStream } from "./sim-stream.ts";
import * as workInvariants from "./work-invariants.ts";
import type { World } from "./world.ts";

interface AnsweredTurn {
  readonly item: TurnItem;
  readonly actions: readonly Action[];
}

export class SentItems {
  readonly #world: World;
  readonly #ledger: Ledger;
  /** Who has an item of this process, by token: more than one after a silence. */
  readonly #out = new Map<string, SimStream[]>();
  /** What each token has ever stood for. */
  readonly #subjects = new Map<string, string>();
  /** The last batch of each instance that was sent. */
  readonly #latest = new Map<InstanceRef, string>();
  /** Tokens that have had an answer: a repeated one is taken at once, whatever has become of the first. */
  readonly #answered = new Set<string>();
  readonly #answeredTurns = new Map<InstanceRef, AnsweredTurn[]>();
  /** Gone with their streams. */
  readonly #lost = new Map<string, WorkItem>();

  /** What another start takes the place of at any moment: its turns may come to nothing. */
  readonly #replaced: ReadonlySet<string>;

  constructor(world: World, ledger: Ledger, { roots }: Plan) {
    this.#replaced = new Set(roots.flatMap(({ instanceId, replacement }) => (replacement === undefined ? [] : [instanceId])));
    this.#world = world;
    this.#ledger = ledger;
  }

  sent(stream: SimStream, item: WorkItem): void {
    const { check } = this.#bound;
    const ref = refOf(item);
    check("E10", workInvariants.e10StreamIsOpen(stream.isOpen, stream.name));
    this.#lost.delete(keyOf(item));
    const holders = this.#out.get(item.token) ?? [];
    this.#out.set(item.token, [...holders, stream]);
    check("E11", workInvariants.e11CreditsHold(this.outAt(stream, item.sort), stream.credits[item.sort], item.sort));
    const subject = subjectText(item);
    check("E5", workInvariants.e5TokenNamesOneSubject(this.#subjects.get(item.token), subject, item.token));
    this.#subjects.set(item.token, subject);
    if (item.sort !== "activity") this.#latest.set(ref, item.token);
    if (this.#ledger.leaving.has(ref)) return;
    if (item.sort === "orchestration") this.#turnSent(stream, ref, item);
    else if (item.sort === "activity") this.#activitySent(ref, item);
    else check("E16", workInvariants.e16BatchIsWhatWaits(this.#ledger, ref, item, this.#world.latest));
  }

  /** One of those who have it answers, or gives it back: the last one that got it, for all that the engine can know. */
  returned(token: string): SimStream | undefined {
    const holders = this.#out.get(token);
    const believed = holders?.pop();
    if (holders?.length === 0) this.#out.delete(token);
    return believed;
  }

  /** No other batch of its instance has gone out since. */
  isLatest(item: WorkItem): boolean {
    return this.#latest.get(refOf(item)) === item.token;
  }

  /** True for the first answer. */
  answered(item: WorkItem, completion: Completion): boolean {
    const isFirst = !this.#answered.has(item.token);
    this.#answered.add(item.token);
    this.#note(item, completion);
    return isFirst;
  }

  #note(item: WorkItem, completion: Completion): void {
    if (item.sort !== "orchestration" || completion.sort !== "orchestration") return;
    const ref = refOf(item);
    this.#answeredTurns.set(ref, [...(this.#answeredTurns.get(ref) ?? []), { item, actions: completion.result.actions }]);
  }

  /** Its worker was told that the answer has been taken. */
  accepted(item: WorkItem, completion: Completion): void {
    const ref = refOf(item);
    if (this.#ledger.leaving.has(ref) || this.#replaced.has(item.instanceId)) return;
    this.#world.check("E3", workInvariants.e3AnswerIsTaken(this.#ledger, ref, item, completion, this.isLatest(item)));
  }

  /** The stream's connection is gone. */
  cut(stream: SimStream, held: readonly WorkItem[]): void {
    for (const [token, holders] of this.#out) {
      const left = holders.filter((holder) => holder !== stream);
      if (left.length === 0) this.#out.delete(token);
      else this.#out.set(token, left);
    }
    for (const item of held) if (!this.#out.has(item.token)) this.#lost.set(keyOf(item), item);
  }

  processLeft(): void {
    this.#out.clear();
    this.#latest.clear();
    this.#lost.clear();
  }

  outAt(stream: SimStream, sort: WorkSort): number {
    let count = 0;
    for (const [token, holders] of this.#out) {
      if (subjectOf(token)?.sort === sort) count += holders.filter((holder) => holder === stream).length;
    }
    return count;
  }

  /** At a rest: what the engine takes to be with workers is with them. */
  restChecks(stats: { readonly inFlight: { readonly [Sort in WorkSort]: number } }, streams: readonly SimStream[]): void {
    for (const sort of WORK_SORTS) {
      const out = streams.reduce((sum, stream) => sum + this.outAt(stream, sort), 0);
      this.#world.check("E11", workInvariants.e11CreditsComeBack(stats.inFlight[sort], out, sort));
    }
  }

  /** At the end of all: nothing that was lost with a stream still waits. */
  endChecks(): void {
    for (const item of this.#lost.values()) {
      this.#world.check("E10", workInvariants.e10LostItemIsSentAgain(this.#ledger, refOf(item), item));
    }
  }

  /** A turn that a worker has to make is what one has answered, to exactly this batch. */
  e5TurnIsAnAnswer(part: TurnPart): string | undefined {
    const answers = this.#answeredTurns.get(part.ref) ?? [];
    const isAnswer = answers.some(({ item, actions }) => {
      if (item.executionId !== part.executionId || item.historyLength !== part.historyLength) return false;
      // A terminate that is sent leaves no event.
      const echoed = actions.filter(({ kind }) => kind !== "TerminateOrchestration").length;
      return (
        part.append.length === item.newEvents.length + echoed &&
        JSON.stringify(part.append.slice(0, item.newEvents.length)) === JSON.stringify(item.newEvents)
      );
    });
    return isAnswer ? undefined : `a turn of instance ${part.ref} commits, and no worker has answered exactly that batch`;
  }

  get #bound(): { readonly check: (name: string, finding: string | undefined) => void } {
    return { check: (name, finding) => this.#world.check(name, finding) };
  }

  #turnSent(stream: SimStream, ref: InstanceRef, item: TurnItem): void {
    const { check } = this.#bound;
    check("E3", workInvariants.e3TurnFollowsCommit(this.#ledger, ref, item));
    check("E12", workInvariants.e12DeltaGoesToItsHolder(item, stream.keepsWarm, stream.holds.get(ref)));
  }

  #activitySent(ref: InstanceRef, { executionId, activity, attempt }: ActivityItem): void {
    const { check } = this.#bound;
    check("E3", invariants.e3DispatchFollowsCommit(this.#ledger, ref, executionId, activity.actionId));
    check("E5", invariants.e5AttemptIsDurable(this.#ledger, ref, executionId, activity.actionId, attempt));
  }
}

export function refOf({ token }: WorkItem): InstanceRef {
  const subject = subjectOf(token);
  if (subject === undefined) throw new Error(`the engine sent a token that is not its own: ${token}`);
  return subject.ref;
}

function keyOf(item: WorkItem): string {
  const ref = refOf(item);
  return item.sort === "activity" ? `${ref} ${activityName(item.executionId, item.activity.actionId)}` : `${item.sort} ${ref}`;
}

/** What the answer to it is about. */
function subjectText(item: TurnItem | ActivityItem | EntityItem): string {
  const { instanceId, executionId } = item;
  if (item.sort === "orchestration") return JSON.stringify([instanceId, executionId, item.historyLength, item.newEvents]);
  if (item.sort === "entity") return JSON.stringify([instanceId, executionId, item.operations]);
  return JSON.stringify([instanceId, executionId, item.activity.actionId, item.attempt]);
}
