// Who may talk to the server. On an address that others reach, a token or TLS is a must.

import { hash, timingSafeEqual } from "node:crypto";
import { isIP } from "node:net";
import {
  type ConnectionInjector,
  type Metadata,
  ResponderBuilder,
  type Server,
  ServerCredentials,
  ServerInterceptingCall,
  type ServerInterceptor,
  ServerListenerBuilder,
} from "@grpc/grpc-js";
import { SignalboxError } from "../../model/errors.ts";
import type { GrpcServerOptions } from "./options.ts";
import { Status } from "./status.ts";

const SCHEME = "Bearer ";

export function checkExposure({ listen, token, tls }: Pick<GrpcServerOptions, "listen" | "token" | "tls">): void {
  if (token === "") throw new SignalboxError("INVALID_ARGUMENT", "The token is empty. Give one that nobody guesses, or none.");
  if (token !== undefined || tls !== undefined || isLoopback(listen.host)) return;
  const message = `${listen.host} can be reached from other machines, and nothing keeps strangers out. Give a token or TLS, or listen on 127.0.0.1.`;
  throw new SignalboxError("INVALID_ARGUMENT", message);
}

export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || (isIP(host) === 4 && host.startsWith("127."));
}

/** What takes connections in, in plain text or TLS. */
export function connectionInjector(server: Server, tls: GrpcServerOptions["tls"]): ConnectionInjector {
  if (tls === undefined) return server.createConnectionInjector(ServerCredentials.createInsecure());
  const { cert, key, clientCa } = tls;
  const pair = { cert_chain: Buffer.from(cert), private_key: Buffer.from(key) };
  try {
    const authority = clientCa === undefined ? null : Buffer.from(clientCa);
    return server.createConnectionInjector(ServerCredentials.createSsl(authority, [pair], authority !== null));
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    const message = `The certificate, its key or the authority of clients is not what TLS wants: ${why}. Give PEM, and the key of that certificate.`;
    throw new SignalboxError("INVALID_ARGUMENT", message, { cause });
  }
}

/** Turns calls without the token away before their message is read. */
export function tokenInterceptor(token: string): ServerInterceptor {
  const wanted = digest(token);
  return (_method, call) => {
    const listener = new ServerListenerBuilder()
      .withOnReceiveMetadata((metadata, next) => {
        if (timingSafeEqual(digest(tokenIn(metadata)), wanted)) return next(metadata);
        call.sendStatus({
          code: Status.UNAUTHENTICATED,
          details: `Metadata "authorization: ${SCHEME}<token>" is missing, or its token is not the server's.`,
        });
      })
      .build();
    return new ServerInterceptingCall(call, new ResponderBuilder().withStart((next) => next(listener)).build());
  };
}

/** Whether an `authorization` header says the token. */
export function isToken(header: string | undefined, token: string): boolean {
  return timingSafeEqual(digest(tokenOf(header ?? "")), digest(token));
}

function tokenIn(metadata: Metadata): string {
  return tokenOf(metadata.get("authorization")[0]?.toString() ?? "");
}

function tokenOf(text: string): string {
  return text.slice(0, SCHEME.length).toLowerCase() === SCHEME.toLowerCase() ? text.slice(SCHEME.length) : "";
}

/** Of equal length, so that a comparison takes as long whatever was guessed. */
function digest(token: string): Buffer {
  return hash("sha256", token, "buffer");
}
