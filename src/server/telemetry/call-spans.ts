// One span for each call that was answered, under that of its caller.

import type { Metadata } from "@grpc/grpc-js";
import { SpanKind, SpanStatusCode, type Tracer } from "@opentelemetry/api";
import type { Clock } from "../../loops/environment.ts";
import { TaskHubSidecarService } from "../../wire/generated/durable_task_pb.ts";
import { Status } from "../grpc/status.ts";
import { contextOf } from "./trace-parent.ts";

export function callSpans(tracer: Tracer, clock: Clock) {
  return (method: string, status: Status, durationMs: number, metadata: Metadata): void => {
    const endTime = clock.now();
    const attributes = {
      "rpc.system": "grpc",
      "rpc.service": TaskHubSidecarService.typeName,
      "rpc.method": method,
      "rpc.grpc.status_code": status,
    };
    const options = { kind: SpanKind.SERVER, startTime: endTime - durationMs, attributes };
    const span = tracer.startSpan(`${TaskHubSidecarService.typeName}/${method}`, options, contextOf(parentIn(metadata)));
    // What is wrong with a request is its caller's error, not the server's.
    if (status === Status.INTERNAL || status === Status.UNKNOWN || status === Status.DATA_LOSS)
      span.setStatus({ code: SpanStatusCode.ERROR });
    span.end(endTime);
  };
}

function parentIn(metadata: Metadata) {
  const traceParent = metadata.get("traceparent")[0]?.toString();
  const traceState = metadata.get("tracestate")[0]?.toString();
  if (traceParent === undefined) return undefined;
  return traceState === undefined ? { traceParent } : { traceParent, traceState };
}
