// A bare thread: each message is one row, committed at FULL and answered.

import { parentPort, workerData } from "node:worker_threads";
import { openFull } from "./replay-writes.ts";

const database = openFull((workerData as { readonly path: string }).path);
database.exec("CREATE TABLE rows (id INTEGER PRIMARY KEY, text TEXT NOT NULL)");
const begin = database.prepare("BEGIN IMMEDIATE");
const insert = database.prepare("INSERT INTO rows (text) VALUES (?)");
const commit = database.prepare("COMMIT");
const port = parentPort;
if (port === null) throw new Error("this is the script of a thread");
port.postMessage("open");
port.on("message", (text: string) => {
  begin.run();
  insert.run(text);
  commit.run();
  port.postMessage("committed");
});
