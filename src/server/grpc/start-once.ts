// A start that counts once although its client repeats it. gRPC repeats a call by itself when the connection breaks before the
// answer, and says so in metadata. The execution id that the server mints ends in a digest of the request, so that the
// repeated request recognises the execution that it began.

import { hash, randomBytes } from "node:crypto";
import type { Clock } from "../../loops/environment.ts";
import type { StartRequest } from "../../loops/hub.ts";
import { isSignalboxError } from "../../model/errors.ts";
import { asExecutionId, type ExecutionId } from "../../model/ids.ts";
import type { UnaryCall } from "./unary-call.ts";

const ATTEMPTS_KEY = "grpc-previous-rpc-attempts";
const HALF_LENGTH = 16;
const RECOGNISED_MS = 60_000;

export type StartOnce = (request: StartRequest, call: UnaryCall) => Promise<string>;

export function startOnce(clock: Clock): StartOnce {
  return async (request, call) => {
    const mark = request.executionId ?? hash("sha256", call.bytes, "hex").slice(0, HALF_LENGTH);
    const executionId = request.executionId ?? mint(mark);
    const { instanceId } = request;
    const attempts = Number(call.metadata.get(ATTEMPTS_KEY)[0] ?? 0);
    // A request without an id names another instance each time.
    if (attempts === 0 || instanceId === undefined) return await call.hub.start({ ...request, executionId });

    const hasBegun = async (): Promise<boolean> => {
      const row = await call.hub.get(instanceId, false);
      return row !== undefined && row.executionId.endsWith(mark) && clock.now() - row.createdAt <= RECOGNISED_MS;
    };
    // What it began may have ended since, and its id be free again.
    if (await hasBegun()) return instanceId;
    try {
      return await call.hub.start({ ...request, executionId });
    } catch (error) {
      // The first attempt may have landed in between.
      if (isSignalboxError(error, "ALREADY_EXISTS") && (await hasBegun())) return instanceId;
      throw error;
    }
  };
}

function mint(mark: string): ExecutionId {
  return asExecutionId(randomBytes(HALF_LENGTH / 2).toString("hex") + mark);
}
