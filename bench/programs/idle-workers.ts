// COUNT workers that are connected and get nothing, each over a connection of its own: ADDRESS COUNT. Prints how many streams
// are open; ends with its stdin.

import { create, toBinary } from "@bufbuild/protobuf";
import { Client, credentials } from "@grpc/grpc-js";
import * as wire from "../../src/wire/generated/durable_task_pb.ts";

const [address = "", count = "1000"] = process.argv.slice(2);
const asIs = (bytes: Buffer): Buffer => bytes;
const request = Buffer.from(
  toBinary(wire.GetWorkItemsRequestSchema, create(wire.GetWorkItemsRequestSchema, { maxConcurrentActivityWorkItems: 10 })),
);

let open = 0;
for (let index = 0; index < Number(count); index += 1) {
  const client = new Client(address, credentials.createInsecure(), { "grpc.use_local_subchannel_pool": 1 });
  await new Promise<void>((resolve, reject) => {
    const stream = client.makeServerStreamRequest("/TaskHubSidecarService/GetWorkItems", asIs, asIs, request);
    stream.on("data", () => {});
    stream.once("metadata", () => resolve());
    stream.once("error", reject);
  });
  open += 1;
}
process.stdout.write(`${open}\n`);
process.stdin.on("end", () => process.exit(0)).resume();
