// The calls by which clients govern single instances.

import { isSignalboxError } from "../../model/errors.ts";
import { asExecutionId } from "../../model/ids.ts";
import { present } from "../../model/present.ts";
import type { GetInstanceRequest, GetInstanceResponse } from "../../wire/generated/durable_task_pb.ts";
import { instanceToWire } from "../../wire/instances.ts";
import { statusFromWire } from "../../wire/statuses.ts";
import { tagsFromWire } from "../../wire/tags.ts";
import { notBeforeFromWire } from "../../wire/timestamps.ts";
import { traceFromWire } from "../../wire/trace-contexts.ts";
import type { UnaryHandlers } from "./service.ts";
import type { StartOnce } from "./start-once.ts";
import type { UnaryCall } from "./unary-call.ts";
import type { Waits } from "./waits.ts";

type ClientCalls = Pick<
  UnaryHandlers,
  | "hello"
  | "startInstance"
  | "getInstance"
  | "waitForInstanceStart"
  | "waitForInstanceCompletion"
  | "raiseEvent"
  | "terminateInstance"
  | "suspendInstance"
  | "resumeInstance"
  | "rewindInstance"
  | "restartInstance"
>;

/** Names a RaiseEvent, so that a repeated one has no effect. */
const IDEMPOTENCY_KEY = "idempotency-key";

export function clientCalls(startOnce: StartOnce, waits: Waits): ClientCalls {
  const waitFor = async (request: GetInstanceRequest, call: UnaryCall, until: "start" | "end"): Promise<GetInstanceResponse> => {
    try {
      return found(await waits.wait(call, (signal) => call.hub.waitFor(request.instanceId, until, signal)), request);
    } catch (error) {
      if (isSignalboxError(error, "NOT_FOUND")) return MISSING;
      throw error;
    }
  };

  return {
    hello: async () => ({ $typeName: "google.protobuf.Empty" }),

    startInstance: async (request, call) => {
      const { instanceId, name, version, input, scheduledStartTimestamp, orchestrationIdReusePolicy, tags, parentTraceContext } = request;
      const start = {
        name,
        ...present({
          instanceId: instanceId === "" ? undefined : instanceId,
          version,
          input,
          scheduledStartAt: notBeforeFromWire(scheduledStartTimestamp),
          replaceable: orchestrationIdReusePolicy?.replaceableStatus.map(statusFromWire),
          tags: tagsFromWire(tags),
          traceContext: traceFromWire(parentTraceContext),
          executionId: request.executionId ? asExecutionId(request.executionId) : undefined,
        }),
      };
      return { $typeName: "CreateInstanceResponse", instanceId: await startOnce(start, call) };
    },

    getInstance: async (request, call) => {
      const row = await call.hub.get(request.instanceId, request.getInputsAndOutputs);
      return row === undefined ? MISSING : found(row, request);
    },
    waitForInstanceStart: (request, call) => waitFor(request, call, "start"),
    waitForInstanceCompletion: (request, call) => waitFor(request, call, "end"),

    raiseEvent: async ({ instanceId, name, input }, call) => {
      await call.hub.raiseEvent(instanceId, name, input, call.metadata.get(IDEMPOTENCY_KEY)[0]?.toString());
      return { $typeName: "RaiseEventResponse" };
    },
    terminateInstance: async ({ instanceId, output, recursive }, call) => {
      await call.hub.terminate(instanceId, output, recursive);
      return { $typeName: "TerminateResponse" };
    },
    suspendInstance: async ({ instanceId, reason }, call) => {
      await call.hub.suspend(instanceId, reason);
      return { $typeName: "SuspendResponse" };
    },
    resumeInstance: async ({ instanceId, reason }, call) => {
      await call.hub.resume(instanceId, reason);
      return { $typeName: "ResumeResponse" };
    },
    rewindInstance: async ({ instanceId, reason }, call) => {
      await call.hub.rewind(instanceId, reason);
      return { $typeName: "RewindInstanceResponse" };
    },
    restartInstance: async ({ instanceId, restartWithNewInstanceId }, call) => ({
      $typeName: "RestartInstanceResponse",
      instanceId: await call.hub.restart(instanceId, restartWithNewInstanceId),
    }),
  };
}

const MISSING: GetInstanceResponse = { $typeName: "GetInstanceResponse", exists: false };

function found(row: Parameters<typeof instanceToWire>[0], { getInputsAndOutputs }: GetInstanceRequest): GetInstanceResponse {
  return { $typeName: "GetInstanceResponse", exists: true, orchestrationState: instanceToWire(row, getInputsAndOutputs) };
}
