// A server as `npm start` starts it: told where to write its port once it listens.
import { renameSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";

const server = createServer((_request, response) => response.end("here"));
process.on("SIGINT", () => {});
server.listen(0, "127.0.0.1", () => {
  writeFileSync(`${process.argv[2]}.tmp`, `${process.pid} ${server.address().port}\n`);
  renameSync(`${process.argv[2]}.tmp`, process.argv[2]);
});
