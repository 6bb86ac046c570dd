// A client with the JavaScript SDK: it starts an order, pays for it, and waits for its end.
//
//   node client.mjs [address] [order]

import { Metadata } from "@grpc/grpc-js";
import { OrchestrationStatus, TaskHubGrpcClient } from "@microsoft/durabletask-js";

const [address = "localhost:4001", id = "A1"] = process.argv.slice(2);
const client = new TaskHubGrpcClient({
  hostAddress: address,
  metadataGenerator: async () => {
    const metadata = new Metadata();
    metadata.set("taskhub", "shop");
    return metadata;
  },
});

const order = await client.scheduleNewOrchestration("sell", { id }, `order-${id}`);
await client.raiseOrchestrationEvent(order, "paid");
const state = await client.waitForOrchestrationCompletion(order, true, 60);
console.log(OrchestrationStatus[state.runtimeStatus], state.serializedOutput);
await client.stop();
