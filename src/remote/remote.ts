// All that speaks to servers, as one piece to load: bundled apart, client and worker would each leave a file more for every
// start of a program that uses neither.

export { connectClient } from "./client/remote-client.ts";
export { connectWorker } from "./worker/remote-worker.ts";
