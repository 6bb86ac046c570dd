// Between grpc-js and our handlers: each call's bytes are decoded here, so that what cannot be read gets the status of bad input,
// and what a handler throws becomes a status.

import type { Message } from "@bufbuild/protobuf";
import { type DescMessage, type DescMethod, fromBinary, type MessageShape, toBinary } from "@bufbuild/protobuf";
import type { ServerWritableStream, ServiceDefinition, sendUnaryData, UntypedServiceImplementation } from "@grpc/grpc-js";
import type { Clock } from "../../loops/environment.ts";
import { SignalboxError } from "../../model/errors.ts";
import { TaskHubSidecarService } from "../../wire/generated/durable_task_pb.ts";
import type { HubDirectory } from "./hub-directory.ts";
import type { GrpcLog, GrpcObserver } from "./options.ts";
import { BROKEN, type CallStatus, Status, statusOf } from "./status.ts";
import type { Traffic } from "./traffic.ts";
import { type RawUnaryCall, UnaryCall } from "./unary-call.ts";

type Methods = (typeof TaskHubSidecarService)["method"];
type OfKind<Kind> = { [Name in keyof Methods]: Methods[Name]["methodKind"] extends Kind ? Name : never }[keyof Methods];
type Input<Name extends keyof Methods> = MessageShape<Methods[Name]["input"]>;
type Output<Name extends keyof Methods> = MessageShape<Methods[Name]["output"]>;

export type UnaryName = OfKind<"unary">;
export type UnaryHandlers = { [Name in UnaryName]: (request: Input<Name>, call: UnaryCall) => Promise<Output<Name>> };
export type RawStream = ServerWritableStream<Buffer, Uint8Array>;
/** A handler of a stream ends it itself; what it throws ends it too. */
export type StreamHandlers = { [Name in OfKind<"server_streaming">]: (request: Input<Name>, stream: RawStream) => Promise<void> };

export interface ServicePorts {
  readonly hubs: HubDirectory;
  readonly traffic: Traffic;
  readonly clock: Clock;
  readonly log: GrpcLog;
  readonly observer: GrpcObserver;
}

/** The calls by which workers answer: served until the last connection is closed. */
const ANSWERS: ReadonlySet<string> = new Set<UnaryName>([
  "completeActivityTask",
  "completeOrchestratorTask",
  "completeEntityTask",
  "abandonTaskActivityWorkItem",
  "abandonTaskOrchestratorWorkItem",
  "abandonTaskEntityWorkItem",
]);

const WORK_STREAM: keyof StreamHandlers = "getWorkItems";

export const SERVICE: ServiceDefinition = Object.fromEntries(
  Object.entries(TaskHubSidecarService.method).map(([name, method]) => [
    name,
    {
      path: `/${TaskHubSidecarService.typeName}/${method.name}`,
      requestStream: false,
      responseStream: method.methodKind === "server_streaming",
      requestSerialize: asBuffer,
      requestDeserialize: asBuffer,
      responseSerialize: asBuffer,
      responseDeserialize: asBuffer,
    },
  ]),
);

export function implement(unary: UnaryHandlers, streams: StreamHandlers, ports: ServicePorts): UntypedServiceImplementation {
  const implementation: UntypedServiceImplementation = {};
  for (const [name, method] of Object.entries(TaskHubSidecarService.method)) {
    implementation[name] =
      // The two tables have exactly these names; which handler belongs to which message is checked where they are written.
      method.methodKind === "unary"
        ? unaryCall(method, unary[name as UnaryName] as AnyUnary, ports)
        : streamingCall(method, streams[name as keyof StreamHandlers] as AnyStreaming, ports);
  }
  return implementation;
}

type AnyUnary = (request: Message, call: UnaryCall) => Promise<Message>;
type AnyStreaming = (request: Message, stream: RawStream) => Promise<void>;

function unaryCall(method: DescMethod, handler: AnyUnary, ports: ServicePorts) {
  const { traffic, clock, observer } = ports;
  const answersWork = ANSWERS.has(method.localName);
  const serve = async (raw: RawUnaryCall): Promise<Uint8Array> => {
    traffic.enter(answersWork);
    try {
      return toBinary(method.output, await handler(read(method.input, raw.request), new UnaryCall(raw, ports.hubs)));
    } finally {
      traffic.left();
    }
  };
  return (raw: RawUnaryCall, respond: sendUnaryData<Uint8Array>): void => {
    const startedAt = clock.monotonic();
    serve(raw).then(
      (bytes) => {
        observer.answered?.(method.name, Status.OK, clock.monotonic() - startedAt, raw.metadata);
        respond(null, bytes);
      },
      (error: unknown) => {
        const status = refusal(method.name, error, ports);
        const code = raw.cancelled ? Status.CANCELLED : status.code;
        observer.answered?.(method.name, code, clock.monotonic() - startedAt, raw.metadata);
        respond(status);
      },
    );
  };
}

function streamingCall(method: DescMethod, handler: AnyStreaming, ports: ServicePorts) {
  const { traffic, clock, observer } = ports;
  const serve = async (stream: RawStream): Promise<void> => {
    traffic.enter();
    // A stream of work is open for days, and is retired by itself.
    if (method.localName === WORK_STREAM) traffic.left();
    try {
      await handler(read(method.input, stream.request), stream);
    } finally {
      if (method.localName !== WORK_STREAM) traffic.left();
    }
  };
  return (stream: RawStream): void => {
    const startedAt = clock.monotonic();
    const answered = (code: Status): void => observer.answered?.(method.name, code, clock.monotonic() - startedAt, stream.metadata);
    serve(stream).then(
      () => answered(Status.OK),
      (error: unknown) => {
        if (stream.cancelled) return answered(Status.CANCELLED);
        const status = refusal(method.name, error, ports);
        answered(status.code);
        endStream(stream, status);
      },
    );
  };
}

/** Ends a stream with a status. */
export function endStream(stream: RawStream, status: CallStatus): void {
  stream.emit("error", Object.assign(new Error(status.details), status));
}

function read<Desc extends DescMessage>(schema: Desc, bytes: Buffer): MessageShape<Desc> {
  try {
    return fromBinary(schema, bytes, { readUnknownFields: false });
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new SignalboxError("INVALID_ARGUMENT", `The request is no ${schema.typeName}: ${why}.`, { cause });
  }
}

function refusal(method: string, error: unknown, { log }: ServicePorts): CallStatus {
  const status = statusOf(error);
  if (status !== undefined && status.code !== Status.INTERNAL && status.code !== Status.DATA_LOSS) return status;
  log.error({ method, err: error }, "a call failed");
  return status ?? BROKEN;
}

/** grpc-js takes and gives Buffers; ours are made by protobuf-es. */
function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
