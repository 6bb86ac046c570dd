// The way to one hub of a server: single attempts of calls, by the method's description in the compiled protocol.

import { create, type DescMessage, fromBinary, type MessageInitShape, type MessageShape, toBinary } from "@bufbuild/protobuf";
import { Client, Metadata, type ServiceError, status } from "@grpc/grpc-js";
import type { Clock } from "../loops/environment.ts";
import { SignalboxError } from "../model/errors.ts";
import { DEFAULT_HUB } from "../model/ids.ts";
import { channelCredentials, channelOptions } from "./channel.ts";
import type { ConnectionOptions } from "./connection-options.ts";
import { RpcError } from "./rpc-error.ts";

/** A method of the service, as the compiled protocol describes it. */
export interface Method<Kind extends string, Input extends DescMessage, Output extends DescMessage> {
  readonly methodKind: Kind;
  readonly name: string;
  readonly parent: { readonly typeName: string };
  readonly input: Input;
  readonly output: Output;
}

/** Beside what every call carries. Names that end in "-bin" carry bytes. */
export type CallMetadata = Readonly<Record<string, string | Buffer>>;

export interface AttemptOptions {
  readonly metadata?: CallMetadata;
  /** Bounds the attempt; absent: it may take for ever. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

/** What comes in over a server stream. Nothing is told after `ended`. */
export interface StreamListener<Message> {
  /** The server has taken the call. Some servers say so with their first message only. */
  opened?(metadata: Metadata): void;
  /** `bytes`: the message's length on the wire. */
  received(message: Message, bytes: number): void;
  /** Undefined: the server ended it as it should. */
  ended(error: RpcError | undefined): void;
}

export interface OpenStream {
  /** The listener is told of the end. */
  readonly cancel: () => void;
}

export class Connection {
  readonly address: string;
  readonly #client: Client;
  readonly #metadata: Metadata;
  readonly #clock: Clock;

  constructor(options: ConnectionOptions, clock: Clock) {
    const { address, hub = DEFAULT_HUB, token } = options;
    this.address = address;
    this.#clock = clock;
    this.#metadata = new Metadata();
    try {
      this.#metadata.set("taskhub", hub);
      if (token !== undefined) this.#metadata.set("authorization", `Bearer ${token}`);
      this.#client = new Client(address, channelCredentials(options), channelOptions(options));
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause);
      throw new SignalboxError("INVALID_ARGUMENT", `No connection can be made to ${JSON.stringify(address)}: ${why}`, { cause });
    }
  }

  /** One attempt. Rejects with an RpcError, or with the signal's reason. */
  call<Input extends DescMessage, Output extends DescMessage>(
    method: Method<"unary", Input, Output>,
    request: MessageInitShape<Input>,
    { metadata, timeoutMs, signal }: AttemptOptions = {},
  ): Promise<MessageShape<Output>> {
    return new Promise((resolve, reject) => {
      signal?.throwIfAborted();
      const abort = (): void => call.cancel();
      let isLate = false;
      const stopClock =
        timeoutMs === undefined
          ? undefined
          : this.#clock.setTimer(timeoutMs, () => {
              isLate = true;
              call.cancel();
            });
      const call = this.#client.makeUnaryRequest(
        pathOf(method),
        encoder(method.input),
        (bytes) => fromBinary(method.output, bytes),
        create(method.input, request),
        this.#with(metadata),
        (error, answer) => {
          stopClock?.();
          signal?.removeEventListener("abort", abort);
          if (signal?.aborted === true) reject(signal.reason as unknown);
          else if (isLate) reject(new RpcError(method.name, status.DEADLINE_EXCEEDED, `no answer within ${timeoutMs} ms`));
          else if (answer === undefined) reject(rpcError(method.name, error));
          else resolve(answer);
        },
      );
      signal?.addEventListener("abort", abort, { once: true });
    });
  }

  /** One attempt of a call that is answered by a stream. */
  stream<Input extends DescMessage, Output extends DescMessage>(
    method: Method<"server_streaming", Input, Output>,
    request: MessageInitShape<Input>,
    listener: StreamListener<MessageShape<Output>>,
    { metadata }: Pick<AttemptOptions, "metadata"> = {},
  ): OpenStream {
    const stream = this.#client.makeServerStreamRequest(
      pathOf(method),
      encoder(method.input),
      (bytes) => ({ message: fromBinary(method.output, bytes), bytes: bytes.length }),
      create(method.input, request),
      this.#with(metadata),
    );
    let isOver = false;
    const end = (error: RpcError | undefined): void => {
      if (isOver) return;
      isOver = true;
      listener.ended(error);
    };
    stream.on("metadata", (answered) => {
      if (!isOver) listener.opened?.(answered);
    });
    stream.on("data", ({ message, bytes }: { readonly message: MessageShape<Output>; readonly bytes: number }) => {
      if (!isOver) listener.received(message, bytes);
    });
    stream.on("error", (error: ServiceError) => end(rpcError(method.name, error)));
    stream.on("end", () => end(undefined));
    return { cancel: () => stream.cancel() };
  }

  /** All that one attempt of such a call brings, when the server has ended it as it should. */
  collect<Input extends DescMessage, Output extends DescMessage>(
    method: Method<"server_streaming", Input, Output>,
    request: MessageInitShape<Input>,
    { signal }: Pick<AttemptOptions, "signal"> = {},
  ): Promise<readonly MessageShape<Output>[]> {
    return new Promise((resolve, reject) => {
      signal?.throwIfAborted();
      const messages: MessageShape<Output>[] = [];
      const stream = this.stream(method, request, {
        received: (message) => messages.push(message),
        ended: (error) => {
          signal?.removeEventListener("abort", stream.cancel);
          if (error === undefined) resolve(messages);
          else reject(signal?.aborted === true ? signal.reason : error);
        },
      });
      signal?.addEventListener("abort", stream.cancel, { once: true });
    });
  }

  close(): void {
    this.#client.close();
  }

  #with(more: CallMetadata = {}): Metadata {
    const metadata = this.#metadata.clone();
    for (const [name, value] of Object.entries(more)) metadata.set(name, value);
    return metadata;
  }
}

const pathOf = ({ name, parent }: Method<string, DescMessage, DescMessage>): string => `/${parent.typeName}/${name}`;

function encoder<Input extends DescMessage>(input: Input): (message: MessageShape<Input>) => Buffer {
  return (message) => {
    const bytes = toBinary(input, message);
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  };
}

/** What the package says around the reason why there is no connection. */
const NOT_CONNECTED = /^No connection established\. Last error: (?:Error: )?(.*?)\. Resolution note:.*$/s;

function rpcError(method: string, error: ServiceError | null): RpcError {
  if (error === null) return new RpcError(method, status.INTERNAL, "no answer and no error");
  return new RpcError(method, error.code, error.details.replace(NOT_CONNECTED, "$1"));
}
