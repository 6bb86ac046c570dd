// W3C trace context (https://www.w3.org/TR/trace-context/), from its text to what OpenTelemetry takes for a parent.

import { type Context, createTraceState, ROOT_CONTEXT, trace } from "@opentelemetry/api";
import type { TraceContext } from "../../model/events.ts";

const PARENT = /^[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(?:-|$)/;

/** Without a parent that can be read: the root. */
export function contextOf(parent: TraceContext | undefined): Context {
  const [, traceId, spanId, flags] = PARENT.exec(parent?.traceParent ?? "") ?? [];
  if (traceId === undefined || spanId === undefined || flags === undefined) return ROOT_CONTEXT;
  const traceState = parent?.traceState === undefined ? undefined : createTraceState(parent.traceState);
  const traceFlags = Number.parseInt(flags, 16);
  return trace.setSpanContext(ROOT_CONTEXT, {
    traceId,
    spanId,
    traceFlags,
    isRemote: true,
    ...(traceState !== undefined && { traceState }),
  });
}
