// How the calls of a client are made: which may be repeated, for how long, and what their errors become.

import type { DescMessage, MessageInitShape, MessageShape } from "@bufbuild/protobuf";
import { SignalboxError } from "../../model/errors.ts";
import { TaskHubSidecarService } from "../../wire/generated/durable_task_pb.ts";
import type { CallMetadata, Connection, Method } from "../connection.ts";
import type { RemoteEnvironment } from "../remote-environment.ts";
import { repeatWhileLost } from "../repeat-while-lost.ts";
import { RpcError, signalboxError } from "../rpc-error.ts";

/** A server that has not answered by then is not there. */
const ANSWER_MS = 60_000;
/** Tells the server how often it may have seen the very same request before. */
const PREVIOUS_ATTEMPTS = "grpc-previous-rpc-attempts";

export class Calls {
  readonly #connection: Connection;
  readonly #environment: RemoteEnvironment;
  readonly #awayMs: number;
  readonly #closing = new AbortController();

  constructor(connection: Connection, environment: RemoteEnvironment, awayMs: number) {
    this.#connection = connection;
    this.#environment = environment;
    this.#awayMs = awayMs;
  }

  /** A call whose repetition changes nothing, or is recognised by the server. */
  repeatable<Input extends DescMessage, Output extends DescMessage>(
    method: Method<"unary", Input, Output>,
    request: MessageInitShape<Input>,
    metadata: CallMetadata = {},
  ): Promise<MessageShape<Output>> {
    return this.#repeat({ signal: this.#closing.signal }, (attempts, signal) => {
      const counted = attempts === 0 ? metadata : { ...metadata, [PREVIOUS_ATTEMPTS]: String(attempts) };
      return this.#connection.call(method, request, { metadata: counted, timeoutMs: ANSWER_MS, signal });
    });
  }

  /** A call that waits for something to happen. */
  waiting<Input extends DescMessage, Output extends DescMessage>(
    method: Method<"unary", Input, Output>,
    request: MessageInitShape<Input>,
    signal: AbortSignal | undefined,
  ): Promise<MessageShape<Output>> {
    const both = signal === undefined ? this.#closing.signal : AbortSignal.any([this.#closing.signal, signal]);
    return this.#repeat({ signal: both }, () => this.#connection.call(method, request, { signal: both }));
  }

  /** A call that would do something else the second time: it is made once, when the server has been heard. */
  async single<Input extends DescMessage, Output extends DescMessage>(
    method: Method<"unary", Input, Output>,
    request: MessageInitShape<Input>,
  ): Promise<MessageShape<Output>> {
    await this.repeatable(TaskHubSidecarService.method.hello, {});
    return await this.#translated(() => this.#connection.call(method, request, { timeoutMs: ANSWER_MS, signal: this.#closing.signal }));
  }

  /** All that a stream brings, when it has ended as it should. */
  collected<Input extends DescMessage, Output extends DescMessage>(
    method: Method<"server_streaming", Input, Output>,
    request: MessageInitShape<Input>,
  ): Promise<readonly MessageShape<Output>[]> {
    return this.#repeat({ signal: this.#closing.signal }, (_, signal) => this.#connection.collect(method, request, { signal }));
  }

  /** What is under way ends with SHUT_DOWN. */
  close(): void {
    this.#closing.abort(new SignalboxError("SHUT_DOWN", "The client has been closed."));
    this.#connection.close();
  }

  #repeat<Answer>(
    { signal }: { readonly signal: AbortSignal },
    attempt: (previousAttempts: number, signal: AbortSignal) => Promise<Answer>,
  ): Promise<Answer> {
    return this.#translated(() =>
      repeatWhileLost(this.#environment, { awayMs: this.#awayMs, signal }, (attempts) => attempt(attempts, signal)),
    );
  }

  async #translated<Answer>(call: () => Promise<Answer>): Promise<Answer> {
    try {
      return await call();
    } catch (error) {
      throw error instanceof RpcError ? signalboxError(error, this.#connection.address) : error;
    }
  }
}
