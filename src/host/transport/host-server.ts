// The host's end of a channel: carries out what is asked, answers, and tells what happens on the way.

import { isSignalboxError } from "../../model/errors.ts";
import type { Host } from "../../model/host-port.ts";
import { decodeMessage, encodeMessage, type HostReply, type HostRequest } from "./host-message.ts";
import type { HostTransport } from "./host-transport.ts";

export function hostServer(host: Host, transport: HostTransport): void {
  let last = 0;
  const send = (reply: HostReply): void => transport.send(encodeMessage(reply));
  transport.onFrame((frame) => {
    const message = decodeMessage(frame);
    // Ids grow: one that is not above the last has been seen.
    if (message.kind !== "request" || message.id <= last) return;
    last = message.id;
    const { id } = message;
    perform(host, message, (event) => send({ kind: "event", id, event })).then(
      (result) => send({ kind: "result", id, result }),
      (error: unknown) => {
        const code = isSignalboxError(error) ? error.code : "INTERNAL";
        send({ kind: "error", id, code, message: error instanceof Error ? error.message : String(error) });
      },
    );
  });
}

type Params<Method extends keyof Host> = Host[Method] extends (request: infer Request, ...rest: never[]) => unknown ? Request : never;

/** The parameters were encoded from the port's own types by `hostClient`. */
async function perform(host: Host, { method, params }: HostRequest, onEvent: Parameters<Host["runStep"]>[1]): Promise<unknown> {
  switch (method) {
    case "openJob":
      return host.openJob(params as Params<"openJob">);
    case "prepareStep":
      return host.prepareStep(params as Params<"prepareStep">);
    case "runStep":
      return host.runStep(params as Params<"runStep">, onEvent);
    case "cancelStep":
      return host.cancelStep(params as Params<"cancelStep">);
    case "reevaluate":
      return host.reevaluate(params as Params<"reevaluate">);
    case "evaluateOutputs":
      return host.evaluateOutputs(params as Params<"evaluateOutputs">);
    case "closeJob":
      return host.closeJob(params as Params<"closeJob">);
    case "recover":
      return host.recover(params as Params<"recover">);
    case "dispose":
      return host[Symbol.asyncDispose]();
    default:
      return method satisfies never;
  }
}
