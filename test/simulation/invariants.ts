// The invariants of the design as checks, one function for each thing that can be seen from outside. Each answers what it
// found, or undefined. They compare what the engine does with the ledger of what was committed.

import { isEntityId } from "../../src/model/entity.ts";
import type { HistoryEvent, Message } from "../../src/model/events.ts";
import { DEFAULT_HUB } from "../../src/model/ids.ts";
import { isTerminal } from "../../src/model/status.ts";
import type { DeliverPart, DeliverToEntityPart, Part, PartAnswer, SettlePart, StoredInstance, TurnPart } from "../../src/store/store.ts";
import { activityName, type Ledger, type LedgerInstance } from "./ledger.ts";

export type Finding = string | undefined;

/** Not what only moves timers into an inbox. */
export const isTurn = (part: Part): part is TurnPart => part.kind === "turn" && (part.append.length > 0 || part.consumed.length > 0);

/** `outstanding`: instances with a turn in a batch that has not been answered. */
export function e1OneTurnIsOutstanding(outstanding: ReadonlyMap<number, TurnPart>, parts: readonly Part[]): Finding {
  const seen = new Set(outstanding.keys());
  for (const part of parts) {
    if (!isTurn(part)) continue;
    if (seen.has(part.ref)) return `instance ${part.ref} has two turns that are not committed`;
    seen.add(part.ref);
  }
  return undefined;
}

/** After an opening, and wherever an instance is read: exactly the batches that were carried out, each of them whole. */
export function e2StoreHoldsWholeCommits(ledger: Ledger, ref: number, stored: StoredInstance | undefined): Finding {
  const instance = ledger.instances.get(ref);
  if (instance === undefined || stored === undefined) {
    return instance === undefined && stored === undefined ? undefined : `instance ${ref} is only in ${stored ? "the store" : "the ledger"}`;
  }
  const { row, history } = stored;
  if (row.executionId !== instance.executionId) return `${nameOf(instance)} is in another execution than was committed`;
  if (row.status !== instance.status) return `${nameOf(instance)} is ${row.status}, not ${instance.status}`;
  if (row.stalled !== instance.stalled) return `${nameOf(instance)} is stalled by ${row.stalled}, not ${instance.stalled}`;
  if (row.entityState !== instance.entityState) return `${nameOf(instance)} has another state than was committed`;
  if (JSON.stringify(row.entityLock) !== JSON.stringify(instance.entityLock))
    return `${nameOf(instance)} has another lock than was committed`;
  if (row.customStatus !== instance.customStatus) return `${nameOf(instance)} has custom status ${row.customStatus}`;
  if (JSON.stringify(history) !== JSON.stringify(instance.history)) return `${nameOf(instance)} has another history than was committed`;
  return undefined;
}

/** E15: what was acknowledged is still there. E7: the inbox is read by what is there. */
export function e7InboxIsReadWhole(ledger: Ledger, ref: number, stored: StoredInstance | undefined): Finding {
  const instance = ledger.instances.get(ref);
  if (instance === undefined || stored === undefined) return undefined;
  const [found, expected] = [stored.inbox.map(({ key }) => key), [...instance.inbox.keys()].toSorted((a, b) => a - b)];
  return found.join() === expected.join() ? undefined : `${nameOf(instance)} has messages ${expected.join()}, read were ${found.join()}`;
}

export function e3DispatchFollowsCommit(ledger: Ledger, ref: number, executionId: string, actionId: number): Finding {
  const name = activityName(executionId, actionId);
  const row = ledger.instances.get(ref)?.activities.get(name);
  if (ledger.leaving.has(ref) || ledger.settling.has(`${ref} ${name}`)) return undefined;
  if (row === undefined) return `activity ${actionId} of instance ${ref} runs and is not committed`;
  return row.inFlight ? undefined : `activity ${actionId} of instance ${ref} runs and is not marked as in flight`;
}

export function e5AttemptIsDurable(ledger: Ledger, ref: number, executionId: string, actionId: number, attempt: number): Finding {
  const name = activityName(executionId, actionId);
  const committed = ledger.instances.get(ref)?.activities.get(name)?.attempt;
  return committed === attempt || ledger.leaving.has(ref) || ledger.settling.has(`${ref} ${name}`)
    ? undefined
    : `activity ${actionId} runs as attempt ${attempt}, committed is ${committed}`;
}

export function e3AnswerFollowsCommit(ledger: Ledger, token: string): Finding {
  return ledger.accepted.has(token) ? undefined : `a caller was told of something that is not committed: ${token.slice(0, 200)}`;
}

export function e3ToldFollowsCommit(
  ledger: Ledger,
  told: {
    readonly hub: string;
    readonly instanceId: string;
    readonly executionId: string;
    readonly from: number;
    readonly events: readonly HistoryEvent[];
  },
): Finding {
  const histories = [ledger.byId(told.instanceId, told.hub), ...ledger.past.filter(({ instanceId }) => instanceId === told.instanceId)];
  const isThere = histories.some(
    (holder) => holder !== undefined && told.events.every((event, index) => sameEvent(holder.history[told.from + index], event)),
  );
  return isThere ? undefined : `observers were told of events of "${told.instanceId}" that are not committed`;
}

export function e3ReadIsWhatWasCommitted(
  ledger: Ledger,
  statuses: ReadonlyMap<string, string>,
  histories: ReadonlyMap<string, readonly HistoryEvent[]>,
): Finding {
  const committed = [...ledger.instances.values()].filter(({ hub, instanceId }) => hub === DEFAULT_HUB && !isEntityId(instanceId));
  if (statuses.size !== committed.length) return `${statuses.size} instances are listed, ${committed.length} are committed`;
  for (const instance of committed) {
    const { instanceId, status, history } = instance;
    if (statuses.get(instanceId) !== status) return `${nameOf(instance)} is listed as ${statuses.get(instanceId)}, committed is ${status}`;
    if (JSON.stringify(histories.get(instanceId)) !== JSON.stringify(history)) return `${nameOf(instance)} is read with another history`;
  }
  return undefined;
}

/** What a former owner asked for, after another one has opened the store. */
export function e4FormerOwnerChangesNothing(outcome: "committed" | "refused"): Finding {
  return outcome === "refused" ? undefined : "a batch of an earlier epoch was committed";
}

/** `begun`: attempts of this activity that began before, in any process. */
export function e5AttemptIsNew(begun: readonly number[], attempt: number): Finding {
  return begun.every((earlier) => earlier < attempt) ? undefined : `attempt ${attempt} begins after attempts ${begun.join()}`;
}

/** An activity is settled once, by whichever completion comes first. */
export function e5SettledOnce(ledger: Ledger, { activity: { ref, executionId, actionId } }: SettlePart): Finding {
  const isOpen = ledger.instances.get(ref)?.activities.has(activityName(executionId, actionId)) ?? false;
  return isOpen ? undefined : `activity ${actionId} of instance ${ref} is settled, and was not open`;
}

/** Until its key is forgotten, the same delivery has no effect a second time. */
export function e5RepeatedDeliveryCountsOnce(ledger: Ledger, part: DeliverPart | DeliverToEntityPart, answer: PartAnswer): Finding {
  const { once, message, to } = part;
  if (once === undefined || answer.kind !== "delivered") return undefined;
  const key = `${to.hub} ${once.key}`;
  const until = ledger.once.get(key);
  ledger.once.set(key, once.until);
  return until === undefined || until <= message.timestamp ? undefined : `the delivery with key "${once.key}" has an effect a second time`;
}

/** E6: each resolution belongs to an action of this very execution that nothing has resolved. */
export function e6ResolutionsMatch(instance: LedgerInstance, part: TurnPart): Finding {
  const open = new Map<string, HistoryEvent>();
  for (const event of instance.history) follow(open, event);
  for (const event of part.append) {
    const name = resolvedBy(event);
    const echo = name === undefined ? undefined : open.get(name);
    if (name !== undefined && echo === undefined) return `${nameOf(instance)} takes ${event.kind} for ${name}, which is not open`;
    if (event.kind === "TimerFired" && echo?.kind === "TimerCreated" && echo.fireAt !== event.fireAt) {
      return `${nameOf(instance)} takes a timer of ${event.fireAt} for one of ${echo.fireAt}`;
    }
    if ("result" in event && event.result !== undefined && name !== undefined) {
      const origin = originOf(event.result);
      if (origin !== part.executionId) return `${nameOf(instance)} takes ${event.kind} of execution ${origin} in ${part.executionId}`;
    }
    follow(open, event);
  }
  return undefined;
}

/** E7: consumed by key, nothing older of that kind left behind, and in the order in which each sender sent. */
export function e7MessagesInOrder(instance: LedgerInstance, part: TurnPart): Finding {
  const consumed = new Set(part.consumed);
  for (const key of consumed) if (!instance.inbox.has(key)) return `${nameOf(instance)} consumes message ${key}, which is not there`;
  const raised = [...instance.inbox].filter(([, { message }]) => message.kind === "EventRaised").map(([key]) => key);
  const newest = Math.max(...raised.filter((key) => consumed.has(key)));
  const left = raised.find((key) => !consumed.has(key) && key < newest);
  if (left !== undefined) return `${nameOf(instance)} consumes message ${newest} and leaves ${left} behind`;
  const last = new Map<string, number>();
  for (const event of [...instance.history, ...part.append]) {
    const sent = event.kind === "EventRaised" ? sentBy(event) : undefined;
    if (sent === undefined) continue;
    if (sent.sequence < (last.get(sent.from) ?? 0)) return `${nameOf(instance)} takes event ${sent.sequence} of ${sent.from} too late`;
    last.set(sent.from, sent.sequence);
  }
  return undefined;
}

export function e8TerminalIsTerminal(instance: LedgerInstance | undefined, part: TurnPart): Finding {
  if (instance === undefined || !isTerminal(instance.status) || isRewind(part)) return undefined;
  return part.append.length > 0 || part.ended !== undefined ? `${nameOf(instance)} is ${instance.status} and takes a turn` : undefined;
}

/** One turn may be on its way when a terminate lands; the next one has to obey. */
export function e8TerminateWins(instance: LedgerInstance, part: TurnPart): Finding {
  if (part.append.length === 0 || part.append.some(({ kind }) => kind === "ExecutionTerminated")) return undefined;
  const terminates = [...instance.inbox].filter(([, { message }]) => message.kind === "ExecutionTerminated");
  if (terminates.length === 0) return undefined;
  if (terminates.some(([key]) => part.consumed.includes(key))) return `${nameOf(instance)} consumes a terminate and goes on`;
  instance.turnsPastTerminate += 1;
  return instance.turnsPastTerminate > 1 ? `${nameOf(instance)} takes a second turn after a terminate` : undefined;
}

export function e9EndArmsNoTimers(instance: LedgerInstance, part: TurnPart): Finding {
  const isEnd = (part.next !== undefined && !isRewind(part)) || part.ended !== undefined;
  return isEnd && part.addTimers.length > 0 ? `${nameOf(instance)} ends an execution and arms timers` : undefined;
}

/** A failed execution that goes back to before its failure: the same one again. */
export const isRewind = ({ next, executionId }: TurnPart): boolean => next?.executionId === executionId;

/** After the batch: every living child of a recursively terminated instance has been told. */
export function e9TerminateReachesChildren(ledger: Ledger, part: TurnPart): Finding {
  const terminated = part.append.find((event) => event.kind === "ExecutionTerminated");
  if (terminated === undefined || !terminated.recurse) return undefined;
  const untold = ledger
    .childrenOf(part.ref)
    .find(({ inbox }) => ![...inbox.values()].some(({ message }) => message.kind === "ExecutionTerminated"));
  return untold === undefined ? undefined : `${nameOf(untold)} was not told that its parent was terminated`;
}

export function e11LimitsHold(running: number, max: number, what: string): Finding {
  return running <= max ? undefined : `${running} activities run (${what}), at most ${max} may`;
}

/** An instance that is in memory is not read again. */
export function e12WarmIsNotReadAgain(isWarm: boolean, ref: number): Finding {
  return isWarm ? `instance ${ref} is warm and is read again` : undefined;
}

/** Only the instance at fault stands still. */
export function e13OnlyTheFaultyStalls(instance: LedgerInstance | undefined, reason: string, isAtFault: boolean): Finding {
  // One that is gone has nothing to stand still with.
  if (instance === undefined || isAtFault || /crashes in a row/.test(reason)) return undefined;
  return `${nameOf(instance)} stalls: ${reason}`;
}

/** At rest: nothing that lives has anything to do, and nobody waits for it. */
export function e14NothingWaitsForEver(ledger: Ledger, waitingCallers: number): Finding {
  const [stuck] = [...ledger.living, ...ledger.busyEntities];
  if (stuck === undefined) return waitingCallers === 0 ? undefined : `${waitingCallers} callers wait, and nothing is under way`;
  const messages = [...stuck.inbox.values()].map(({ message }) => message.kind).join() || "none";
  return `${nameOf(stuck)} is ${stuck.status}, nothing is under way; messages: ${messages}; activities: ${[...stuck.activities.keys()].join("; ") || "none"}; timers: ${[...stuck.timers].join("; ") || "none"}`;
}

/** Section 2, Time. */
export function turnTimeNeverGoesBack(instance: LedgerInstance, part: TurnPart): Finding {
  let time = instance.lastTurnAt;
  const isTerminated = part.append.some(({ kind }) => kind === "ExecutionTerminated");
  for (const event of part.append) {
    if (event.kind === "OrchestratorStarted") {
      if (event.timestamp < time) return `${nameOf(instance)} goes back from ${time} to ${event.timestamp}`;
      time = event.timestamp;
    } else if (event.kind === "TimerFired" && event.fireAt > time) return `${nameOf(instance)} takes a timer of ${event.fireAt} at ${time}`;
    else if (event.kind === "ExecutionStarted" && !isTerminated && (event.scheduledStartAt ?? 0) > time)
      return `${nameOf(instance)} starts before its time`;
  }
  return undefined;
}

export function nameOf({ instanceId, ref }: LedgerInstance): string {
  return `instance "${instanceId}" (${ref})`;
}

/** E3, E5: every answer comes with the parts that it answers. */
export function e2EveryPartIsAnswered(parts: readonly Part[], answers: readonly PartAnswer[]): Finding {
  return parts.length === answers.length ? undefined : `${parts.length} parts got ${answers.length} answers`;
}

function follow(open: Map<string, HistoryEvent>, event: HistoryEvent): void {
  if (event.kind === "TaskScheduled") open.set(`task ${event.eventId}`, event);
  else if (event.kind === "SubOrchestrationInstanceCreated") open.set(`child ${event.eventId}`, event);
  else if (event.kind === "TimerCreated") open.set(`timer ${event.eventId}`, event);
  else open.delete(resolvedBy(event) ?? "");
}

function resolvedBy(event: HistoryEvent): string | undefined {
  if (event.kind === "TaskCompleted" || event.kind === "TaskFailed") return `task ${event.taskScheduledId}`;
  if (event.kind === "SubOrchestrationInstanceCompleted" || event.kind === "SubOrchestrationInstanceFailed")
    return `child ${event.taskScheduledId}`;
  return event.kind === "TimerFired" ? `timer ${event.timerId}` : undefined;
}

function originOf(result: string): string | undefined {
  const answer = JSON.parse(result) as { readonly executionId?: string; readonly parentExecutionId?: string };
  return answer.executionId ?? answer.parentExecutionId;
}

function sentBy(event: Extract<Message, { kind: "EventRaised" }>): { readonly from: string; readonly sequence: number } | undefined {
  return event.input === undefined ? undefined : (JSON.parse(event.input) as { from: string; sequence: number });
}

function sameEvent(a: HistoryEvent | undefined, b: HistoryEvent): boolean {
  return a === b || JSON.stringify(a) === JSON.stringify(b);
}
