// Where workers' servers come to: what they say is checked as far as it can be outside the loop, and goes into its mailbox.

import { SignalboxError } from "../../model/errors.ts";
import { present } from "../../model/present.ts";
import type { InstanceLoop } from "../instance-loop.ts";
import type { Answer } from "./answer.ts";
import { subjectOf, type TokenSubject } from "./tokens.ts";
import type { Completion, CompletionToken } from "./work-item.ts";
import type { WorkerEvent } from "./worker-events.ts";
import type { WorkerHub, WorkerStream } from "./worker-hub.ts";

export class WorkerDesk implements WorkerHub {
  readonly #loop: Pick<InstanceLoop, "post" | "workerStats">;
  #over: SignalboxError | undefined;

  constructor(loop: Pick<InstanceLoop, "post" | "workerStats">) {
    this.#loop = loop;
  }

  /** The loop has ended. */
  end(reason: SignalboxError): void {
    this.#over = reason;
  }

  opened(stream: WorkerStream): void {
    this.#post({ kind: "StreamOpened", stream });
  }

  closed(stream: WorkerStream, connectionLives: boolean): void {
    this.#post({ kind: "StreamClosed", stream, connectionLives });
  }

  disconnected(connection: object): void {
    this.#post({ kind: "Disconnected", connection });
  }

  async complete(token: CompletionToken, completion: Completion, from?: object): Promise<void> {
    const subject = checkedSubject(token);
    if (subject.sort !== completion.sort) {
      const message = `The token names ${SORT_NAMES[subject.sort]}; the completion is that of ${SORT_NAMES[completion.sort]}.`;
      throw new SignalboxError("INVALID_ARGUMENT", message);
    }
    await this.#answered(from, (answer) => ({ kind: "ItemAnswered", token, subject, completion, answer }));
  }

  async abandon(token: CompletionToken, reason?: string, from?: object): Promise<void> {
    const subject = checkedSubject(token);
    await this.#answered(from, (answer) => ({ kind: "ItemAbandoned", token, subject, answer, ...present({ reason }) }));
  }

  stats(): ReturnType<WorkerHub["stats"]> {
    return this.#loop.workerStats();
  }

  #answered(from: object | undefined, said: (answer: Answer) => WorkerEvent): Promise<void> {
    return new Promise((accept, refuse) => {
      // While the engine drains it still takes what its workers have completed (E14).
      if (this.#over !== undefined) return refuse(this.#over);
      this.#post(said({ accept, refuse, from }));
    });
  }

  #post(said: WorkerEvent): void {
    this.#loop.post({ kind: "WorkerSpoke", said });
  }
}

const SORT_NAMES = { orchestration: "a turn", activity: "an activity", entity: "an entity batch" } as const;

function checkedSubject(token: CompletionToken): TokenSubject {
  const subject = subjectOf(token);
  if (subject !== undefined) return subject;
  throw new SignalboxError(
    "INVALID_ARGUMENT",
    "The completion token is not one of this server's. Send back the token of the work item as it came.",
  );
}
