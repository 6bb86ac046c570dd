// A server over an engine on the memory store, and a bare client of gRPC over a real socket, which can also send what no client
// would.

import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { type AddressInfo, createConnection, createServer, type Server, type Socket } from "node:net";
import { create, type DescMessage, fromBinary, type MessageInitShape, type MessageShape, toBinary } from "@bufbuild/protobuf";
import { ChannelCredentials, Client, type ClientReadableStream, Metadata, type ServiceError } from "@grpc/grpc-js";
import type { HubEngine, HubsOptions } from "../../loops/hub-engine.ts";
import { openHubs } from "../../loops/open-engine.ts";
import { openMemoryStore } from "../../store/memory/memory-store.ts";
import { TaskHubSidecarService } from "../../wire/generated/durable_task_pb.ts";
import { openGrpcServer } from "./grpc-server.ts";
import type { GrpcServer, GrpcServerOptions } from "./options.ts";

type Methods = (typeof TaskHubSidecarService)["method"];
type Name = keyof Methods;

export interface CallOptions {
  readonly metadata?: Readonly<Record<string, string>>;
  readonly deadlineMs?: number;
  readonly signal?: AbortSignal;
}

/** A stream of answers whose messages can be awaited one by one. */
export interface TestStream<Message> extends AsyncDisposable {
  /** The next message; rejects with the status with which the stream ended. */
  next(): Promise<Message>;
  /** Resolves with the code of the status. */
  readonly ended: Promise<number>;
  readonly metadata: Promise<Metadata>;
  readonly raw: ClientReadableStream<Buffer>;
  cancel(): void;
}

export class TestClient {
  readonly #client: Client;
  readonly #hub: string | undefined;

  constructor(port: number, { hub, credentials }: { readonly hub?: string; readonly credentials?: ChannelCredentials } = {}) {
    this.#hub = hub;
    this.#client = new Client(`localhost:${port}`, credentials ?? ChannelCredentials.createInsecure(), {
      "grpc.use_local_subchannel_pool": 1,
      "grpc.max_receive_message_length": -1,
      "grpc.enable_retries": 0,
    });
  }

  async call<N extends Name>(
    name: N,
    request: MessageInitShape<Methods[N]["input"]>,
    options: CallOptions = {},
  ): Promise<MessageShape<Methods[N]["output"]>> {
    const { input, output } = TaskHubSidecarService.method[name];
    const answer = await this.callBytes(name, encode(input, request), options);
    return fromBinary(output as DescMessage, answer) as MessageShape<Methods[N]["output"]>;
  }

  callBytes(name: Name, bytes: Uint8Array, options: CallOptions = {}): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      const call = this.#client.makeUnaryRequest(
        pathOf(name),
        asBuffer,
        asBuffer,
        bytes,
        this.#metadata(options),
        deadline(options),
        (error, answer) => (error === null && answer !== undefined ? resolve(answer) : reject(error)),
      );
      options.signal?.addEventListener("abort", () => call.cancel());
    });
  }

  stream<N extends "getWorkItems" | "streamInstanceHistory">(
    name: N,
    request: MessageInitShape<Methods[N]["input"]>,
    options: CallOptions = {},
  ): TestStream<MessageShape<Methods[N]["output"]>> {
    const { input, output } = TaskHubSidecarService.method[name];
    const bytes = encode(input, request);
    const raw = this.#client.makeServerStreamRequest(pathOf(name), asBuffer, asBuffer, bytes, this.#metadata(options), deadline(options));
    const metadata = new Promise<Metadata>((resolve) => raw.once("metadata", resolve));
    const iterator = raw.iterator({ destroyOnReturn: false });
    const ended = new Promise<number>((resolve) => {
      raw.once("status", ({ code }: { code: number }) => resolve(code));
    });
    raw.on("error", () => {
      // Seen by whoever awaits the next message.
    });
    const next = async (): Promise<MessageShape<Methods[N]["output"]>> => {
      const { value, done } = await iterator.next();
      if (done) throw new Error(`the stream has ended with status ${await ended}`);
      return fromBinary(output as DescMessage, value as Buffer) as MessageShape<Methods[N]["output"]>;
    };
    const cancel = (): void => raw.cancel();
    return { next, ended, metadata, raw, cancel, [Symbol.asyncDispose]: async () => cancel() };
  }

  close(): void {
    this.#client.close();
  }

  #metadata({ metadata = {} }: CallOptions): Metadata {
    const all = new Metadata();
    if (this.#hub !== undefined) all.set("taskhub", this.#hub);
    for (const [key, value] of Object.entries(metadata)) all.set(key, value);
    return all;
  }
}

export interface Cable {
  readonly client: TestClient;
  cut(): void;
  /** Nothing goes from the server to the client any more. */
  jam(): void;
}

export interface Fixture extends AsyncDisposable {
  readonly engine: HubEngine;
  readonly server: GrpcServer;
  readonly client: TestClient;
  /** Another client, with a connection of its own. */
  connect(options?: { readonly hub?: string }): TestClient;
  /** Another client, whose connection can be cut, or be left without anybody who reads from it. */
  connectThroughCable(options?: { readonly hub?: string }): Promise<Cable>;
  readonly logged: { readonly level: "info" | "warn" | "error"; readonly fields: object; readonly message: string }[];
}

export async function openFixture(
  options: Partial<GrpcServerOptions> = {},
  hubs: Partial<Omit<HubsOptions, "store" | "environment">> = {},
): Promise<Fixture> {
  const environment = realEnvironment();
  const engine = options.engine === undefined ? await openHubs({ store: await openMemoryStore(), environment, ...hubs }) : undefined;
  const logged: Fixture["logged"] = [];
  const log = (level: "info" | "warn" | "error") => (fields: object, message: string) => void logged.push({ level, fields, message });
  const served = options.engine ?? engine;
  if (served === undefined) throw new Error("nothing to serve");
  const server = await openGrpcServer({
    listen: { host: "localhost", port: 0 },
    clock: environment.clock,
    log: { info: log("info"), warn: log("warn"), error: log("error") },
    ...options,
    engine: served,
  });
  const clients: TestClient[] = [];
  const connect: Fixture["connect"] = (of) => {
    const client = new TestClient(server.address.port, of);
    clients.push(client);
    return client;
  };
  const cables: Server[] = [];
  const connectThroughCable: Fixture["connectThroughCable"] = async (of) => {
    const ends: { readonly near: Socket; readonly far: Socket }[] = [];
    const cable = createServer((near) => {
      const far = createConnection(server.address.port, server.address.host);
      for (const end of [near, far]) {
        end.on("error", () => end.destroy());
        end.once("close", () => {
          near.destroy();
          far.destroy();
        });
      }
      near.pipe(far);
      far.pipe(near);
      ends.push({ near, far });
    });
    cables.push(cable);
    await once(cable.listen(0, "localhost"), "listening");
    const { port } = cable.address() as AddressInfo;
    const client = new TestClient(port, of);
    clients.push(client);
    const cut = (): void => {
      for (const { near } of ends) near.destroy();
    };
    const jam = (): void => {
      for (const { near, far } of ends) {
        far.unpipe(near);
        far.pause();
      }
    };
    return { client, cut, jam };
  };
  return {
    // Only read by tests that let the fixture open the engine.
    engine: engine as HubEngine,
    server,
    client: connect(),
    connect,
    connectThroughCable,
    logged,
    [Symbol.asyncDispose]: async () => {
      for (const client of clients) client.close();
      await server.close({ drainMs: 0 });
      await engine?.close({ drainMs: 0 });
      for (const cable of cables) cable.close();
    },
  };
}

/** What the promise is rejected with, which must be a status of gRPC. */
export async function statusOfCall(call: Promise<unknown>): Promise<{ readonly code: number; readonly details: string }> {
  try {
    await call;
  } catch (error) {
    const { code, details } = error as ServiceError;
    return { code, details };
  }
  throw new Error("the call was answered OK");
}

export function encode<Desc extends DescMessage>(schema: Desc, message: MessageInitShape<Desc>): Uint8Array {
  return toBinary(schema, create(schema, message));
}

function realEnvironment(): HubsOptions["environment"] {
  return {
    clock: {
      now: () => Date.now(),
      monotonic: () => performance.now(),
      setTimer: (delayMs, callback) => {
        const timer = setTimeout(callback, delayMs);
        return () => clearTimeout(timer);
      },
    },
    ids: { uuid: () => randomUUID() },
    hop: (callback) => void setImmediate(callback),
    defect: (error) => {
      throw error;
    },
  };
}

function pathOf(name: Name): string {
  return `/${TaskHubSidecarService.typeName}/${TaskHubSidecarService.method[name].name}`;
}

function deadline({ deadlineMs }: CallOptions): { readonly deadline?: number } {
  return deadlineMs === undefined ? {} : { deadline: Date.now() + deadlineMs };
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
