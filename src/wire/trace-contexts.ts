import type { TraceContext } from "../model/events.ts";
import type { TraceContext as WireTraceContext } from "./generated/durable_task_pb.ts";

/** Older SDKs read the span's id from its own field: it is the third part of a W3C traceparent. */
export function traceToWire(context: TraceContext | undefined): WireTraceContext | undefined {
  if (context === undefined) return undefined;
  const { traceParent, traceState } = context;
  return { $typeName: "TraceContext", traceParent, spanID: traceParent.split("-")[2] ?? "", traceState };
}

/** A context without a parent says nothing. */
export function traceFromWire(context: WireTraceContext | undefined): TraceContext | undefined {
  if (context === undefined || context.traceParent === "") return undefined;
  const { traceParent, traceState } = context;
  return traceState === undefined ? { traceParent } : { traceParent, traceState };
}
