// A worker with the JavaScript SDK: an order is reserved, waits for its payment for a day at the most, and is shipped.
//
//   node worker.mjs [address]

import { Metadata } from "@grpc/grpc-js";
import { TaskHubGrpcWorker, whenAny } from "@microsoft/durabletask-js";

const [address = "localhost:4001"] = process.argv.slice(2);

async function* sell(ctx, order) {
  const shelf = yield ctx.callActivity("reserve", order);
  ctx.setCustomStatus("waiting for payment");
  const paid = ctx.waitForExternalEvent("paid");
  const late = ctx.createTimer(24 * 60 * 60);
  const winner = yield whenAny([paid, late]);
  if (winner === late) return { state: "expired" };
  return yield ctx.callActivity("ship", { ...order, shelf });
}

const worker = new TaskHubGrpcWorker({
  hostAddress: address,
  metadataGenerator: async () => {
    const metadata = new Metadata();
    metadata.set("taskhub", "shop");
    return metadata;
  },
});
worker.addNamedOrchestrator("sell", sell);
worker.addNamedActivity("reserve", (_, order) => `shelf-${order.id}`);
worker.addNamedActivity("ship", (_, { id, shelf }) => ({ state: "shipped", from: shelf, tracking: `T-${id}` }));
await worker.start();

// What runs is finished and reported first.
process.once("SIGTERM", () => void worker.stop());
process.once("SIGINT", () => void worker.stop());
