// The milliseconds from calling StartInstance to the first item at a worker's stream, on a server that is otherwise idle: ADDRESS.
// Client and worker are raw gRPC in this one process, so that nothing but the server is measured. Prints a JSON array.

import { setTimeout as pause } from "node:timers/promises";
import { create, fromBinary, type Message, toBinary } from "@bufbuild/protobuf";
import { Client, credentials } from "@grpc/grpc-js";
import * as wire from "../../src/wire/generated/durable_task_pb.ts";

const TIMES = 50;
const [address = ""] = process.argv.slice(2);
const client = new Client(address, credentials.createInsecure());
const path = (name: string): string => `/TaskHubSidecarService/${name}`;
const asIs = (bytes: Buffer): Buffer => bytes;

let arrived: (() => void) | undefined;
const request = Buffer.from(
  toBinary(
    wire.GetWorkItemsRequestSchema,
    create(wire.GetWorkItemsRequestSchema, {
      maxConcurrentOrchestrationWorkItems: 1_000,
      maxConcurrentActivityWorkItems: 1,
      maxConcurrentEntityWorkItems: 1,
    }),
  ),
);
const stream = client.makeServerStreamRequest(path("GetWorkItems"), asIs, asIs, request);
stream.on("data", (bytes: Buffer) => {
  if (fromBinary(wire.WorkItemSchema, bytes).request.case === "orchestratorRequest") arrived?.();
});
stream.on("error", () => {});

const millis: number[] = [];
for (let time = 0; time < TIMES; time += 1) {
  await pause(20);
  const item = new Promise<void>((resolve) => (arrived = resolve));
  const started = performance.now();
  await Promise.all([
    call(
      "StartInstance",
      wire.CreateInstanceRequestSchema,
      create(wire.CreateInstanceRequestSchema, { instanceId: `probe-${time}`, name: "probe" }),
    ),
    item.then(() => millis.push(performance.now() - started)),
  ]);
}
stream.cancel();
process.stdout.write(`${JSON.stringify(millis)}\n`);
client.close();
process.stdin.on("end", () => process.exit(0)).resume();

function call(
  name: string,
  schema: typeof wire.CreateInstanceRequestSchema,
  message: Message<"CreateInstanceRequest"> & wire.CreateInstanceRequest,
): Promise<void> {
  return new Promise((resolve, reject) => {
    client.makeUnaryRequest(path(name), asIs, asIs, Buffer.from(toBinary(schema, message)), (error) =>
      error === null ? resolve() : reject(error),
    );
  });
}
