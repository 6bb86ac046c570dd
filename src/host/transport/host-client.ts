// The engine's end of a channel: the port, spoken over frames.

import { SignalboxError } from "../../model/errors.ts";
import type {
  CancelledStep,
  EvaluatedOutputs,
  Host,
  Leftovers,
  OpenedJob,
  PreparedStep,
  StepEvent,
  StepResult,
} from "../../model/host-port.ts";
import { decodeMessage, encodeMessage, type HostMethod, isErrorCode } from "./host-message.ts";
import { hostServer } from "./host-server.ts";
import { type HostTransport, memoryTransports } from "./host-transport.ts";

interface Pending {
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: Error) => void;
  readonly onEvent?: (event: StepEvent) => void;
}

export function hostClient(transport: HostTransport): Host {
  const pending = new Map<number, Pending>();
  let next = 1;
  let isClosed = false;
  transport.onFrame((frame) => {
    const message = decodeMessage(frame);
    const request = pending.get(message.id);
    if (request === undefined || message.kind === "request") return;
    if (message.kind === "event") return request.onEvent?.(message.event);
    pending.delete(message.id);
    if (message.kind === "result") request.resolve(message.result);
    else request.reject(new SignalboxError(isErrorCode(message.code) ? message.code : "HOST_FAILED", message.message));
  });
  transport.onClose(() => {
    isClosed = true;
    for (const { reject } of pending.values()) reject(new SignalboxError("HOST_FAILED", "The connection to the host has ended."));
    pending.clear();
  });
  /** The result was encoded from the port's own type by `hostServer`. */
  const call = <Result>(method: HostMethod, params: unknown, onEvent?: (event: StepEvent) => void): Promise<Result> => {
    if (isClosed) return Promise.reject(new SignalboxError("HOST_FAILED", "The connection to the host has ended."));
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    const id = next++;
    pending.set(id, { resolve, reject, ...(onEvent === undefined ? {} : { onEvent }) });
    transport.send(encodeMessage({ kind: "request", id, method, params }));
    return promise as Promise<Result>;
  };
  return {
    openJob: (request) => call<OpenedJob>("openJob", request),
    prepareStep: (request) => call<PreparedStep>("prepareStep", request),
    runStep: (request, onEvent) => call<StepResult>("runStep", request, onEvent),
    cancelStep: (request) => call<CancelledStep>("cancelStep", request),
    reevaluate: (request) => call<{ readonly holds: boolean }>("reevaluate", request),
    evaluateOutputs: (request) => call<EvaluatedOutputs>("evaluateOutputs", request),
    closeJob: (request) => call<void>("closeJob", request),
    recover: (request) => call<Leftovers>("recover", request),
    async [Symbol.asyncDispose]() {
      if (isClosed) return;
      await call<void>("dispose", {});
      transport.close();
    },
  };
}

/** A host of this process, spoken to as if it were in another one. */
export function throughCodec(host: Host): Host {
  const [engineEnd, hostEnd] = memoryTransports();
  hostServer(host, hostEnd);
  return hostClient(engineEnd);
}
