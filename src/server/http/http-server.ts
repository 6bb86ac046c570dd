// Health, readiness and metrics over HTTP; no other paths. Whether a server is alive is told to everybody who reaches it, what
// it does only to those who may call it.

import { createServer as createPlain, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createTls } from "node:https";
import { SignalboxError } from "../../model/errors.ts";
import { checkExposure, isLoopback, isToken } from "../grpc/credentials.ts";
import type { GrpcServerOptions } from "../grpc/options.ts";

export interface HttpServerOptions extends Pick<GrpcServerOptions, "listen" | "token" | "tls"> {
  /** Why calls are not served now; undefined: they are. */
  readonly unready: () => string | undefined;
  readonly metrics: () => Promise<{ readonly contentType: string; readonly body: string }>;
}

export interface HttpServer extends AsyncDisposable {
  readonly address: { readonly host: string; readonly port: number };
}

interface Answer {
  readonly status: number;
  readonly body: string;
  readonly headers?: { readonly [name: string]: string };
}

export async function openHttpServer(options: HttpServerOptions): Promise<HttpServer> {
  checkExposure(options);
  const { host, port } = options.listen;
  const listener = (request: IncomingMessage, response: ServerResponse): void => {
    // Nobody has anything to say in a body here.
    request.resume();
    answer(request, options).then(
      (found) => respond(request, response, found),
      () => respond(request, response, { status: 500, body: "The server failed on this request.\n" }),
    );
  };
  const server = options.tls === undefined ? createPlain(listener) : createTls(tlsOptions(options.tls), listener);
  await listen(server, host, port);
  const address = server.address();
  if (address === null || typeof address === "string") throw new SignalboxError("INTERNAL", "The HTTP server listens on no port.");
  return {
    address: { host: address.address, port: address.port },
    [Symbol.asyncDispose]: async () => {
      const { promise, resolve } = Promise.withResolvers<void>();
      server.close(() => resolve());
      server.closeAllConnections();
      await promise;
    },
  };
}

async function answer(request: IncomingMessage, { listen, token, unready, metrics }: HttpServerOptions): Promise<Answer> {
  if (request.method !== "GET" && request.method !== "HEAD") {
    return { status: 405, body: "Only GET and HEAD are served here.\n", headers: { allow: "GET, HEAD" } };
  }
  switch (request.url?.split("?", 1)[0]) {
    case "/healthz":
      return { status: 200, body: "ok\n" };
    case "/readyz": {
      const why = unready();
      return why === undefined ? { status: 200, body: "ready\n" } : { status: 503, body: `${why}\n` };
    }
    case "/metrics": {
      if (token !== undefined && !isLoopback(listen.host) && !isToken(request.headers.authorization, token)) {
        const headers = { "www-authenticate": "Bearer" };
        return { status: 401, body: 'Header "Authorization: Bearer <token>" is missing, or its token is not the server\'s.\n', headers };
      }
      const { contentType, body } = await metrics();
      return { status: 200, body, headers: { "content-type": contentType } };
    }
    default:
      return { status: 404, body: "There are /healthz, /readyz and /metrics.\n" };
  }
}

function respond(request: IncomingMessage, response: ServerResponse, { status, body, headers = {} }: Answer): void {
  const length = String(Buffer.byteLength(body));
  response.writeHead(status, {
    "content-type": "text/plain; charset=utf-8",
    "cache-control": "no-store",
    "content-length": length,
    ...headers,
  });
  response.end(request.method === "HEAD" ? undefined : body);
}

function tlsOptions({ cert, key, clientCa }: NonNullable<HttpServerOptions["tls"]>) {
  return { cert, key, ...(clientCa !== undefined && { ca: clientCa, requestCert: true, rejectUnauthorized: true }) };
}

async function listen(server: Server, host: string, port: number): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once("error", reject);
  server.listen(port, host, resolve);
  try {
    await promise;
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new SignalboxError(
      "FAILED_PRECONDITION",
      `Cannot listen for HTTP on ${host}:${port}: ${why}. Choose another address, or "off".`,
      { cause },
    );
  } finally {
    server.off("error", reject);
  }
}
