// A server that exchanges the messages of the Durable Task protocol with a worker and a client and does nothing else: no
// store, no rules, no limits, no tokens. Knows orchestrations that schedule activities and end. Prints its port; ends with
// its stdin. Past events are encoded once and copied, which is the least that the exchange itself costs.

import { randomUUID } from "node:crypto";
import { create, type DescMethod, fromBinary, type Message, toBinary } from "@bufbuild/protobuf";
import { EmptySchema, timestampNow } from "@bufbuild/protobuf/wkt";
import { Server, ServerCredentials, type ServerUnaryCall, type ServerWritableStream, type sendUnaryData } from "@grpc/grpc-js";
import * as wire from "../../src/wire/generated/durable_task_pb.ts";

interface Instance {
  readonly id: string;
  readonly past: Buffer[];
  output: string | undefined;
  readonly waiters: ((response: Message) => void)[];
}

const instances = new Map<string, Instance>();
let stream: ServerWritableStream<unknown, Buffer> | undefined;
const early: Buffer[] = [];

const MAX = 1 << 30;
const server = new Server({ "grpc.max_receive_message_length": MAX, "grpc.max_send_message_length": MAX });
const methods = wire.TaskHubSidecarService.method;
server.addService(Object.fromEntries(Object.values(methods).map((method: DescMethod) => [method.name, definitionOf(method)])), {
  Hello: (_call: unknown, done: sendUnaryData<Message>) => done(null, create(EmptySchema)),
  GetWorkItems: (call: ServerWritableStream<unknown, Buffer>) => {
    stream = call;
    for (const item of early.splice(0)) call.write(item);
  },
  StartInstance: (call: ServerUnaryCall<wire.CreateInstanceRequest, Message>, done: sendUnaryData<Message>) => {
    const { name, input } = call.request;
    const id = call.request.instanceId === "" ? randomUUID() : call.request.instanceId;
    const instance: Instance = { id, past: [], output: undefined, waiters: [] };
    instances.set(id, instance);
    const orchestrationInstance = { instanceId: id, executionId: id };
    turn(
      instance,
      event(-1, {
        case: "executionStarted",
        value: create(wire.ExecutionStartedEventSchema, { name, input: input ?? "", orchestrationInstance }),
      }),
    );
    done(null, create(wire.CreateInstanceResponseSchema, { instanceId: id }));
  },
  CompleteOrchestratorTask: (call: ServerUnaryCall<wire.OrchestratorResponse, Message>, done: sendUnaryData<Message>) => {
    const instance = known(call.request.instanceId);
    for (const { id, orchestratorActionType: action } of call.request.actions) {
      if (action.case === "scheduleTask") {
        const { name, input } = action.value;
        instance.past.push(
          field(3, event(id, { case: "taskScheduled", value: create(wire.TaskScheduledEventSchema, { name, input: input ?? "" }) })),
        );
        const activityRequest = create(wire.ActivityRequestSchema, {
          name,
          input: input ?? "",
          taskId: id,
          orchestrationInstance: { instanceId: instance.id },
        });
        send(
          Buffer.from(
            toBinary(
              wire.WorkItemSchema,
              create(wire.WorkItemSchema, { request: { case: "activityRequest", value: activityRequest }, completionToken: "a" }),
            ),
          ),
        );
      } else if (action.case === "completeOrchestration") {
        instance.output = action.value.result ?? "";
        for (const tell of instance.waiters) tell(ended(instance));
      }
    }
    done(null, create(wire.CompleteTaskResponseSchema));
  },
  CompleteActivityTask: (call: ServerUnaryCall<wire.ActivityResponse, Message>, done: sendUnaryData<Message>) => {
    const { instanceId, taskId, result } = call.request;
    turn(
      known(instanceId),
      event(-1, { case: "taskCompleted", value: create(wire.TaskCompletedEventSchema, { taskScheduledId: taskId, result: result ?? "" }) }),
    );
    done(null, create(wire.CompleteTaskResponseSchema));
  },
  WaitForInstanceCompletion: (call: ServerUnaryCall<wire.GetInstanceRequest, Message>, done: sendUnaryData<Message>) => {
    const instance = known(call.request.instanceId);
    if (instance.output !== undefined) return done(null, ended(instance));
    instance.waiters.push((response) => done(null, response));
  },
});
server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, port) => {
  if (error !== null) throw error;
  process.stdout.write(`${port}\n`);
});
process.stdin.on("end", () => process.exit(0)).resume();

function turn(instance: Instance, happened: Uint8Array): void {
  const started = event(-1, { case: "orchestratorStarted", value: create(wire.OrchestratorStartedEventSchema) });
  const fresh = [started, happened];
  const request = Buffer.concat([field(1, Buffer.from(instance.id)), ...instance.past, ...fresh.map((each) => field(4, each))]);
  for (const each of fresh) instance.past.push(field(3, each));
  send(Buffer.concat([field(1, request), field(10, Buffer.from("t"))]));
}

function send(item: Buffer): void {
  if (stream === undefined) early.push(item);
  else stream.write(item);
}

function event(eventId: number, eventType: wire.HistoryEvent["eventType"]): Uint8Array {
  return toBinary(wire.HistoryEventSchema, create(wire.HistoryEventSchema, { eventId, timestamp: timestampNow(), eventType }));
}

/** A length-delimited field. */
function field(number: number, bytes: Uint8Array): Buffer {
  const head = [(number << 3) | 2];
  let length = bytes.length;
  for (; length > 127; length >>>= 7) head.push((length & 127) | 128);
  head.push(length);
  return Buffer.concat([Buffer.from(head), bytes]);
}

function ended({ id, output }: Instance): Message {
  const orchestrationState = create(wire.OrchestrationStateSchema, {
    instanceId: id,
    orchestrationStatus: wire.OrchestrationStatus.COMPLETED,
    createdTimestamp: timestampNow(),
    lastUpdatedTimestamp: timestampNow(),
    output: output ?? "",
  });
  return create(wire.GetInstanceResponseSchema, { exists: true, orchestrationState });
}

function known(id: string): Instance {
  const instance = instances.get(id);
  if (instance === undefined) throw new Error(`no instance ${id}`);
  return instance;
}

function definitionOf(method: DescMethod) {
  return {
    path: `/${method.parent.typeName}/${method.name}`,
    requestStream: false,
    responseStream: method.methodKind === "server_streaming",
    requestSerialize: (message: Message) => Buffer.from(toBinary(method.input, message)),
    requestDeserialize: (bytes: Buffer) => fromBinary(method.input, bytes),
    responseSerialize: (message: Message | Buffer) => (Buffer.isBuffer(message) ? message : Buffer.from(toBinary(method.output, message))),
    responseDeserialize: (bytes: Buffer) => fromBinary(method.output, bytes),
  };
}
