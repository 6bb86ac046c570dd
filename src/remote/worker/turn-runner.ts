// Runs the turns that a server sends. A turn with a history is a replay and the new events; one without is for an instance that
// is warm here at exactly the server's position, else the history is asked for.
//
// What a turn asks for is kept warm at once: the server may commit it and send the next one before its answer to the first
// arrives. If the server did not take the answer, its next turn comes with a history, or with another position.

import { isEchoed } from "../../engine/echo.ts";
import type { Definitions } from "../../loops/definitions.ts";
import type { Action } from "../../model/actions.ts";
import type { HistoryEvent } from "../../model/events.ts";
import { asExecutionId, type ExecutionId, type InstanceId } from "../../model/ids.ts";
import type { TurnResult } from "../../model/work-item.ts";
import { LiveOrchestration, type LiveTurn } from "../../runtime/live-orchestration.ts";
import { type Hop, runTurns, type TurnRun } from "../../runtime/run-turns.ts";
import type { ReceivedTurn } from "../../wire/turns.ts";
import { InTurn } from "./in-turn.ts";
import type { WarmInstance, WarmInstances } from "./warm-instances.ts";

export type TurnOutcome =
  | { readonly kind: "completed"; readonly result: TurnResult }
  | { readonly kind: "abandoned"; readonly reason: string };

/** A turn as it came over a stream. */
export interface TurnDelivery {
  readonly turn: ReceivedTurn;
  /** On the wire. */
  readonly bytes: number;
  /** The server runs each scheduled activity once and knows no options. */
  readonly attemptsActivities: boolean;
  /** False once the server cannot mean this worker any more when it sends a turn without a history. */
  readonly keepsWarm: () => boolean;
}

export interface TurnRunnerPorts {
  readonly definitions: Definitions;
  readonly warm: WarmInstances;
  readonly hop: Hop;
  readonly maxPayloadLength: number;
  /** The history that a server did not put into the turn for its size. */
  readonly fetchHistory: (instanceId: InstanceId, executionId: ExecutionId) => Promise<readonly HistoryEvent[]>;
}

const UNWATCHED = { started: () => {}, ended: () => {} };
const REQUIRES_HISTORY: TurnOutcome = { kind: "completed", result: { actions: [], requiresHistory: true } };

export class TurnRunner {
  readonly #ports: TurnRunnerPorts;
  readonly #inTurn = new InTurn<InstanceId>();

  constructor(ports: TurnRunnerPorts) {
    this.#ports = ports;
  }

  run(delivery: TurnDelivery): Promise<TurnOutcome> {
    return this.#inTurn.run(delivery.turn.instanceId, () => this.#run(delivery));
  }

  async #run(delivery: TurnDelivery): Promise<TurnOutcome> {
    try {
      const begun = await this.#begin(delivery);
      if ("kind" in begun) return begun;
      await runTurns([begun], this.#ports.hop, UNWATCHED);
      return this.#finish(delivery, begun);
    } catch (error) {
      return { kind: "abandoned", reason: error instanceof Error ? error.message : String(error) };
    }
  }

  async #begin({ turn, attemptsActivities }: TurnDelivery): Promise<BegunTurn | TurnOutcome> {
    const { definitions, warm, maxPayloadLength } = this.#ports;
    const held = warm.take(turn.instanceId);
    if (turn.history === undefined) {
      if (held !== undefined && isAt(held, turn)) {
        return { live: held.live, history: [], historyLength: held.historyLength, bytes: held.bytes, events: turn.newEvents, consumed: 0 };
      }
      held?.live.drop();
      return REQUIRES_HISTORY;
    }
    held?.live.drop();
    const past = turn.historyIsStreamed ? await this.#ports.fetchHistory(turn.instanceId, turn.executionId) : turn.history;
    const history = withExecutionId(past, turn);
    const events = withExecutionId(turn.newEvents, turn);
    const started = [...history, ...events].find(({ kind }) => kind === "ExecutionStarted");
    if (started?.kind !== "ExecutionStarted") return { kind: "abandoned", reason: "Its history has no ExecutionStarted event." };
    const definition = definitions.orchestrator(started.name, started.version);
    if (definition === undefined) return { kind: "abandoned", reason: definitions.unknownOrchestrator(started.name, started.version) };
    const live = new LiveOrchestration(definition, history, maxPayloadLength, { attemptsActivities });
    return { live, history, historyLength: history.length, bytes: 0, events, consumed: 0 };
  }

  #finish({ turn, bytes, keepsWarm }: TurnDelivery, begun: BegunTurn): TurnOutcome {
    const { live, events, consumed } = begun;
    if (live.problem !== undefined) {
      live.drop();
      return { kind: "abandoned", reason: live.problem };
    }
    const result = live.takeTurn();
    if (live.hasEnded || !keepsWarm()) live.drop();
    else {
      const echoed = result.actions.filter(isEchoed);
      this.#ports.warm.keep(turn.instanceId, {
        executionId: turn.executionId,
        live,
        historyLength: begun.historyLength + events.length + echoed.length,
        bytes: begun.bytes + bytes + echoed.reduce((sum, action) => sum + inputLength(action), 0),
      });
    }
    return { kind: "completed", result: withLateEvents(result, events.slice(consumed)) };
  }
}

interface BegunTurn extends TurnRun {
  readonly historyLength: number;
  readonly bytes: number;
}

const isAt = (held: WarmInstance, { executionId, historyLength }: ReceivedTurn): boolean =>
  held.executionId === executionId && held.historyLength === historyLength;

const inputLength = (action: Action): number => ("input" in action ? (action.input?.length ?? 0) : 0);

/** Ids that an orchestration makes derive from its execution's. Servers which name no executions get a name that lasts as long. */
function withExecutionId(events: readonly HistoryEvent[], { executionId, instanceId }: ReceivedTurn): readonly HistoryEvent[] {
  if (!events.some((event) => event.kind === "ExecutionStarted" && event.executionId === "")) return events;
  return events.map((event) => {
    if (event.kind !== "ExecutionStarted" || event.executionId !== "") return event;
    return { ...event, executionId: executionId === "" ? asExecutionId(`${instanceId}:${event.timestamp}`) : executionId };
  });
}

/**
 * An embedded execution that continues as new leaves what it has not taken in its inbox. A turn on the wire is answered as a
 * whole: raised events behind the end go along with the carried ones, in order.
 */
function withLateEvents(turn: LiveTurn, late: readonly HistoryEvent[]): LiveTurn {
  const raised = late.filter(({ kind }) => kind === "EventRaised");
  const ending = turn.actions.at(-1);
  if (raised.length === 0 || ending?.kind !== "CompleteOrchestration" || ending.status !== "ContinuedAsNew") return turn;
  const carryoverEvents = [...(ending.carryoverEvents ?? []), ...raised];
  return { ...turn, actions: [...turn.actions.slice(0, -1), { ...ending, carryoverEvents }] };
}
