// Ends the process from a thread of it while the main thread computes and never comes back. `process.exit` would end the
// thread alone; the inspector's interrupt reaches the main thread between any two of its instructions.

import { Session } from "node:inspector";

const GRACE_MS = 2000;

export async function endMainThread(code: number): Promise<void> {
  setTimeout(() => process.kill(process.pid, "SIGKILL"), GRACE_MS);
  const session = new Session();
  session.connectToMainThread();
  session.post("Runtime.evaluate", { expression: `process.reallyExit(${code})` });
}
