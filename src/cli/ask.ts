// Questions go to standard error: standard output may be a pipe.

import { createInterface } from "node:readline/promises";
import { Writable } from "node:stream";

export async function ask(question: string, hidden: boolean): Promise<string> {
  // Readline repaints the line that it edits, its own question included; what goes nowhere has to be written here.
  if (hidden) process.stderr.write(question);
  // A hidden answer is edited by readline as ever, its echo goes nowhere.
  const echo = hidden ? new Writable({ write: (_chunk, _encoding, done) => done() }) : process.stderr;
  const lines = createInterface({ input: process.stdin, output: echo, terminal: true });
  const interrupted = new AbortController();
  lines.on("SIGINT", () => interrupted.abort());
  try {
    return await lines.question(hidden ? "" : question, { signal: interrupted.signal });
  } catch {
    // Ctrl-C at a question is Ctrl-C to the command.
    process.kill(process.pid, "SIGINT");
    return "";
  } finally {
    lines.close();
    if (hidden) process.stderr.write("\n");
  }
}
