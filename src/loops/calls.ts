// Calls on their way to the loop: each becomes parts in its mailbox, and is answered by the commit that carried them (E3).

import { SignalboxError } from "../model/errors.ts";
import type { Part, PartAnswer, StartPart } from "../model/parts.ts";
import type { EngineLimits } from "./environment.ts";
import type { InstanceLoop } from "./instance-loop.ts";

export class Calls {
  readonly #loop: Pick<InstanceLoop, "post" | "pendingCalls">;
  readonly #limits: Pick<EngineLimits, "maxPendingCalls">;
  #over: SignalboxError | undefined;

  constructor(loop: Pick<InstanceLoop, "post" | "pendingCalls">, limits: Pick<EngineLimits, "maxPendingCalls">) {
    this.#loop = loop;
    this.#limits = limits;
  }

  /** From now on every call is refused with this. */
  end(reason: SignalboxError): void {
    this.#over = reason;
  }

  checkOpen(): void {
    if (this.#over !== undefined) throw this.#over;
  }

  /** Open, and not more than can be answered. */
  checkRoom(): void {
    this.checkOpen();
    if (this.#loop.pendingCalls < this.#limits.maxPendingCalls) return;
    const message = `${this.#limits.maxPendingCalls} calls wait for their commit already. Await some before more are made.`;
    throw new SignalboxError("LIMIT_EXCEEDED", message);
  }

  /** `landed` sees the answer in the tick of the commit, before anything else happens. */
  ask(part: Part, landed?: (answer: PartAnswer) => void): Promise<PartAnswer> {
    return new Promise((resolve, reject) => {
      this.checkRoom();
      const change = {
        parts: [part],
        bytes: bytesOf(part),
        landed: ([answer]: readonly PartAnswer[]) => {
          if (answer === undefined) return reject(new SignalboxError("INTERNAL", "The store gave no answer for a part."));
          landed?.(answer);
          resolve(answer);
        },
        refused: reject,
      };
      this.#loop.post({ kind: "Asked", change });
    });
  }

  /** A start that may replace an active instance. */
  replace(part: StartPart): Promise<PartAnswer> {
    return new Promise((answered, refused) => {
      this.checkRoom();
      this.#loop.post({ kind: "ReplaceAsked", replacement: { part, answered, refused } });
    });
  }
}

function bytesOf(part: Part): number {
  if (part.kind === "start") return 256 + (part.started.input?.length ?? 0);
  if ("message" in part && "input" in part.message) return 256 + (part.message.input?.length ?? 0);
  return 256;
}
