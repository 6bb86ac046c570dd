// The limits of `serve`, as the parts of the server take them.

import type { ServerOptions } from "../../server/serve.ts";

export interface LimitOptions {
  /** In bytes. */
  readonly maxPayload?: number;
  readonly maxHistory?: number;
  readonly maxInFlight?: number;
  readonly maxInFlightPerHub?: number;
  readonly maxInbox?: number;
}

const DEFAULT_MESSAGE_BYTES = 64 * 1024 * 1024;
/** Of a message beside one payload. */
const ENVELOPE_BYTES = 1024 * 1024;

export function serverLimits(options: LimitOptions): NonNullable<ServerOptions["limits"]> {
  const { maxPayload, maxHistory, maxInFlight, maxInFlightPerHub: perHub, maxInbox } = options;
  return {
    engine: {
      ...(maxPayload !== undefined && { maxPayloadLength: maxPayload }),
      ...(maxHistory !== undefined && { maxHistoryLength: maxHistory }),
      ...(maxInbox !== undefined && { maxInboxMessages: maxInbox }),
    },
    workers: perHub === undefined ? {} : { maxInFlight: { orchestration: perHub, activity: perHub, entity: perHub } },
    grpc: {
      ...(maxInFlight !== undefined && { maxItemsPerStream: maxInFlight }),
      ...(maxPayload !== undefined && { maxMessageBytes: Math.max(DEFAULT_MESSAGE_BYTES, 2 * maxPayload + ENVELOPE_BYTES) }),
    },
  };
}
