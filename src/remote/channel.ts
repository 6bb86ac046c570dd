// The channel of gRPC that the options of a connection mean.

import { type ChannelCredentials, type ChannelOptions, credentials } from "@grpc/grpc-js";
import { SignalboxError } from "../model/errors.ts";
import type { ConnectionOptions } from "./connection-options.ts";

const DEFAULT_MAX_MESSAGE_BYTES = 64 * 1024 * 1024;
/** E10: silent death of a connection is found within these two together. */
const KEEPALIVE_MS = 10_000;
const KEEPALIVE_TIMEOUT_MS = 5_000;
const LOOPBACK = /^(?:(?:dns|ipv4|ipv6):(?:\/\/\/)?)?(?:localhost|127\.\d+\.\d+\.\d+|\[?::1\]?)(?::\d+)?$/i;

export function channelCredentials({ tls }: ConnectionOptions): ChannelCredentials {
  if (tls === undefined || tls === false) return credentials.createInsecure();
  if (tls === true) return credentials.createSsl();
  const { ca, key, certificate } = tls;
  if ((key === undefined) !== (certificate === undefined)) {
    throw new SignalboxError("INVALID_ARGUMENT", "tls.certificate and tls.key belong together: give both, or none of them.");
  }
  const pem = (text: string | undefined): Buffer | null => (text === undefined ? null : Buffer.from(text));
  return credentials.createSsl(pem(ca), pem(key), pem(certificate));
}

export function channelOptions({ address, tls, maxMessageBytes = DEFAULT_MAX_MESSAGE_BYTES }: ConnectionOptions): ChannelOptions {
  const serverName = typeof tls === "object" ? tls.serverName : undefined;
  return {
    "grpc.keepalive_time_ms": KEEPALIVE_MS,
    "grpc.keepalive_timeout_ms": KEEPALIVE_TIMEOUT_MS,
    "grpc.max_receive_message_length": maxMessageBytes,
    "grpc.max_send_message_length": maxMessageBytes,
    "grpc.initial_reconnect_backoff_ms": 100,
    "grpc.min_reconnect_backoff_ms": 100,
    "grpc.max_reconnect_backoff_ms": 2_000,
    // A connection of its own: what ends with it belongs to this worker or client alone (E10).
    "grpc.use_local_subchannel_pool": 1,
    // Each attempt is counted and paced by us.
    "grpc.enable_retries": 0,
    ...(LOOPBACK.test(address) && { "grpc.enable_http_proxy": 0 }),
    ...(serverName !== undefined && { "grpc.ssl_target_name_override": serverName, "grpc.default_authority": serverName }),
  };
}
