// Asks the server of server.mjs until it answers, and prints the answer.
import { readFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";

const [portFile, path = "/"] = process.argv.slice(2);
for (;;) {
  try {
    const response = await fetch(`http://127.0.0.1:${readFileSync(portFile, "utf8")}${path}`);
    console.log(await response.text());
    break;
  } catch {
    await pause(50);
  }
}
