// Ctrl-C and its relatives. The first SIGINT or SIGTERM asks the run to cancel, the second ends its steps and leaves,
// and SIGHUP ends them without cancelling. What comes before there is a run is kept for it; a person who presses
// again then wants to leave, and leaves.

import { EXIT } from "./exit-codes.ts";
import type { RunSession } from "./session/session.ts";
import type { StopSignal, Terminal } from "./terminal.ts";

type Stage = "none" | "cancelling" | "interrupting";

export class StopRequests implements Disposable {
  readonly #forget: () => void;
  readonly #leave: (code: number) => void;
  #say: (text: string) => void = () => {};
  #session: RunSession | undefined;
  #stage: Stage = "none";
  #beforeSession: StopSignal[] = [];

  constructor(options: { terminal: Terminal; leave: (code: number) => void }) {
    this.#leave = options.leave;
    this.#forget = options.terminal.onSignal((signal) => this.#heard(signal));
  }

  attach(session: RunSession, say: (text: string) => void): void {
    this.#session = session;
    this.#say = say;
    for (const signal of this.#beforeSession) this.#heard(signal);
    this.#beforeSession = [];
  }

  [Symbol.dispose](): void {
    this.#forget();
  }

  #heard(signal: StopSignal): void {
    const session = this.#session;
    if (session === undefined) {
      if (this.#beforeSession.length > 0 || signal === "SIGHUP") this.#leave(EXIT.interrupted);
      this.#beforeSession.push(signal);
    } else if (this.#stage === "interrupting") {
      this.#leave(EXIT.interrupted);
    } else if (this.#stage === "cancelling" || signal === "SIGHUP") {
      this.#stage = "interrupting";
      // Whether it is told or not: the run is as resumable as after a crash.
      session.interrupt().catch(() => this.#leave(EXIT.interrupted));
    } else {
      this.#stage = "cancelling";
      this.#say("Cancelling: always() and post steps still run, for at most 5 minutes. Once more leaves at once.");
      session.cancel().catch(() => this.#leave(EXIT.fault));
    }
  }
}
