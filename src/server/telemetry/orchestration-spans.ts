// Spans of orchestrations and their activities, made of what was committed (E3), with the times of the events: one span for
// each execution across its turns, so a fresh one at continue-as-new, and in it one for each activity. They are kept in memory
// while they are open: an execution that the server did not see begin has a span from the first turn that it sees.

import { type Context, type Span, SpanKind, SpanStatusCode, type Tracer, trace } from "@opentelemetry/api";
import type { CommittedTurn } from "../../loops/engine.ts";
import type { HistoryEvent } from "../../model/events.ts";
import type { ActionId } from "../../model/ids.ts";
import { contextOf } from "./trace-parent.ts";

const MAX_OPEN = 10_000;

interface OpenSpan {
  readonly span: Span;
  readonly context: Context;
  readonly activities: Map<ActionId, Span>;
}

export class OrchestrationSpans {
  readonly #tracer: Tracer;
  /** By execution id, which is unique for ever; the oldest first. */
  readonly #open = new Map<string, OpenSpan>();

  constructor(tracer: Tracer) {
    this.#tracer = tracer;
  }

  committed(turns: readonly CommittedTurn[]): void {
    for (const turn of turns) this.#turn(turn);
  }

  #turn(turn: CommittedTurn): void {
    const [first] = turn.events;
    if (first === undefined) return;
    const open = this.#open.get(turn.executionId) ?? this.#begin(turn, first);
    for (const event of turn.events) this.#event(turn, open, event);
  }

  #begin({ name, hub, instanceId, executionId, traceContext, events, from }: CommittedTurn, first: HistoryEvent): OpenSpan {
    const started = events.find((event) => event.kind === "ExecutionStarted");
    const parent = started?.parent === undefined ? undefined : this.#open.get(started.parent.executionId);
    const sender = started?.traceContext ?? traceContext;
    const around = sender === undefined && parent !== undefined ? parent.context : contextOf(sender);
    const attributes = {
      "durabletask.type": "orchestration",
      "durabletask.task.name": name,
      "durabletask.task.instance_id": instanceId,
      "durabletask.task.execution_id": executionId,
      "signalbox.hub": hub,
      ...(from > 0 && { "signalbox.begun_before": true }),
    };
    const options = { kind: SpanKind.SERVER, startTime: first.timestamp, attributes };
    const span = this.#tracer.startSpan(`orchestration:${name}`, options, around);
    const open = { span, context: trace.setSpan(around, span), activities: new Map() };
    if (this.#open.size === MAX_OPEN) {
      const [oldest] = this.#open.keys();
      if (oldest !== undefined) this.#open.delete(oldest);
    }
    this.#open.set(executionId, open);
    return open;
  }

  #event({ executionId, instanceId }: CommittedTurn, open: OpenSpan, event: HistoryEvent): void {
    if (event.kind === "TaskScheduled") {
      const attributes = {
        "durabletask.type": "activity",
        "durabletask.task.name": event.name,
        "durabletask.task.instance_id": instanceId,
        "durabletask.task.task_id": event.eventId,
      };
      const options = { kind: SpanKind.CLIENT, startTime: event.timestamp, attributes };
      open.activities.set(event.eventId, this.#tracer.startSpan(`activity:${event.name}`, options, open.context));
    } else if (event.kind === "TaskCompleted" || event.kind === "TaskFailed") {
      const span = open.activities.get(event.taskScheduledId);
      open.activities.delete(event.taskScheduledId);
      if (span !== undefined) end(span, event.timestamp, event.kind === "TaskFailed");
    } else if (event.kind === "ExecutionCompleted") {
      this.#open.delete(executionId);
      // What is still under way is nobody's any more.
      for (const span of open.activities.values()) span.end(event.timestamp);
      open.span.setAttribute("durabletask.task.status", event.status);
      end(open.span, event.timestamp, event.status === "Failed");
    }
  }
}

/** Messages of failures are payloads: they stay in the history. */
function end(span: Span, at: number, hasFailed: boolean): void {
  if (hasFailed) span.setStatus({ code: SpanStatusCode.ERROR });
  span.end(at);
}
