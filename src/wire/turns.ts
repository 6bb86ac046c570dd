// Turns on their way to workers and back. A turn's past is encoded apart from the rest, because it can be kept: in protobuf a
// message's bytes are those of its fields in any order, so that the bytes of "only the past" beside the bytes of "all but
// the past" are the bytes of the whole.
//
// Delta turns (docs/durable-task.md): a turn for a worker that holds the instance warm comes without a past and says so in its
// properties. `customStatus` is kept when it is absent in an answer, and cleared when it is empty text.

import { toBinary } from "@bufbuild/protobuf";
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import type { HistoryEvent } from "../model/events.ts";
import { asExecutionId, asInstanceId } from "../model/ids.ts";
import type { CompletionToken, TurnItem, TurnResult } from "../model/work-item.ts";
import { actionFromWire, actionToWire } from "./actions.ts";
import { eventsFromWire } from "./event-from-wire.ts";
import { eventToWire } from "./event-to-wire.ts";
import {
  type OrchestratorRequest,
  OrchestratorRequestSchema,
  type OrchestratorResponse,
  WorkItemSchema,
} from "./generated/durable_task_pb.ts";
import { timestampToWire } from "./timestamps.ts";
import { fieldsFromWire, fieldsToWire } from "./values.ts";

const DELTA = "signalbox.delta";
const HISTORY_LENGTH = "signalbox.historyLength";

/** How a worker gets the history before the new events. */
export type Past =
  /** As `pastToBytes` made it. */
  | { readonly kind: "bytes"; readonly bytes: Uint8Array }
  /** The worker asks for it by StreamInstanceHistory. */
  | { readonly kind: "streamed" }
  /** The worker holds the instance warm at exactly this position. */
  | { readonly kind: "held" };

/** The execution's span: the same in all its turns. */
export interface TurnSpan {
  readonly spanId: string;
  readonly startedAt: number;
}

/** A turn as a worker receives it. */
export interface ReceivedTurn extends Omit<TurnItem, "row"> {
  /** The history comes by StreamInstanceHistory; `history` is empty. */
  readonly historyIsStreamed: boolean;
}

export function pastToBytes(events: readonly HistoryEvent[]): Uint8Array {
  return toBinary(OrchestratorRequestSchema, request({ pastEvents: events.map(eventToWire) }));
}

/** A work item that holds the turn, in bytes. */
export function turnToBytes(item: Omit<TurnItem, "row" | "history">, past: Past, span: TurnSpan): Uint8Array {
  const held = past.kind === "held";
  const head = toBinary(
    OrchestratorRequestSchema,
    request({
      instanceId: item.instanceId,
      executionId: item.executionId,
      newEvents: item.newEvents.map(eventToWire),
      // Without it workers take it that the server has no entities. Messages between instances are never out of order here.
      entityParameters: {
        $typeName: "OrchestratorEntityParameters",
        entityMessageReorderWindow: { $typeName: "google.protobuf.Duration", seconds: 0n, nanos: 0 },
      },
      requiresHistoryStreaming: past.kind === "streamed",
      properties: held ? fieldsToWire({ [DELTA]: true, [HISTORY_LENGTH]: item.historyLength }) : {},
      orchestrationTraceContext: {
        $typeName: "OrchestrationTraceContext",
        spanID: span.spanId,
        spanStartTime: timestampToWire(span.startedAt),
      },
    }),
  );
  const bytes = past.kind === "bytes" ? past.bytes : NOTHING;
  const field = WorkItemSchema.field.orchestratorRequest.number;
  const prefix = new BinaryWriter()
    .tag(field, WireType.LengthDelimited)
    .uint32(head.length + bytes.length)
    .finish();
  const token = toBinary(WorkItemSchema, {
    $typeName: "WorkItem",
    request: { case: undefined },
    completionToken: item.token,
  });
  return Buffer.concat([prefix, head, bytes, token]);
}

export function turnFromWire(token: CompletionToken, wire: OrchestratorRequest): ReceivedTurn {
  const properties = fieldsFromWire(wire.properties);
  const held = properties[DELTA] === true;
  const past = eventsFromWire(wire.pastEvents);
  const length = properties[HISTORY_LENGTH];
  return {
    sort: "orchestration",
    token,
    instanceId: asInstanceId(wire.instanceId),
    executionId: asExecutionId(wire.executionId ?? ""),
    history: held ? undefined : past,
    historyLength: held && typeof length === "number" ? length : past.length,
    newEvents: eventsFromWire(wire.newEvents),
    historyIsStreamed: wire.requiresHistoryStreaming,
  };
}

export function turnResultToWire(token: CompletionToken, instanceId: string, result: TurnResult): OrchestratorResponse {
  const { actions, customStatus, requiresHistory = false } = result;
  return {
    $typeName: "OrchestratorResponse",
    instanceId,
    actions: actions.map(actionToWire),
    customStatus: customStatus === undefined ? undefined : (customStatus.payload ?? ""),
    completionToken: token,
    requiresHistory,
    isPartial: false,
  };
}

export function turnResultFromWire({ actions, customStatus, requiresHistory }: OrchestratorResponse): TurnResult {
  return {
    actions: actions.map(actionFromWire),
    ...(customStatus === undefined ? {} : { customStatus: { payload: customStatus === "" ? undefined : customStatus } }),
    ...(requiresHistory ? { requiresHistory } : {}),
  };
}

const NOTHING = new Uint8Array();

function request(fields: Partial<OrchestratorRequest>): OrchestratorRequest {
  return {
    $typeName: "OrchestratorRequest",
    instanceId: "",
    pastEvents: [],
    newEvents: [],
    requiresHistoryStreaming: false,
    properties: {},
    ...fields,
  };
}
