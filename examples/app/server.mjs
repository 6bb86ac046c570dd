// A small server for the examples: answers with its version, and writes the port that it got to a file.
import { renameSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";

const [portFile] = process.argv.slice(2);
const server = createServer((request, response) => {
  response.end(request.url === "/version" ? process.env.VERSION : "ready");
});
server.listen(0, "127.0.0.1", () => {
  writeFileSync(`${portFile}.new`, String(server.address().port));
  renameSync(`${portFile}.new`, portFile);
  console.log(`listening on port ${server.address().port}`);
});
