// Ends the process from a thread of it while the main thread computes and never comes back. `process.exit` would end the
// thread alone; the inspector's interrupt reaches the main thread between any two of its instructions.

import { Session } from "node:inspector";

const GRACE_MS = 2000;

export function endMainThread(code: number): void {
  setTimeout(() => process.kill(process.pid, "SIGKILL"), GRACE_MS);
  const session = new Session();
  session.connectToMainThread();
  // Node would tell stderr that it waits for a debugger; all that people need stands there already.
  session.post("Runtime.evaluate", { expression: `process.getBuiltinModule("node:fs").closeSync(2); process.reallyExit(${code})` });
}
