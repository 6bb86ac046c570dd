// Answers to turns that come in several messages, because together they are larger than one may be. The last message is not marked
// as partial. What has come of an answer is kept in memory only: if the rest never comes the turn is sent again, and an
// answer begins anew with its chunk 0.

import { SignalboxError } from "../../model/errors.ts";
import type { CompletionToken } from "../../model/work-item.ts";
import type { OrchestratorResponse } from "../../wire/generated/durable_task_pb.ts";

interface Begun {
  readonly actions: OrchestratorResponse["actions"];
  bytes: number;
  chunks: number;
}

export class PartialTurns {
  readonly #maxBytes: number;
  readonly #begun = new Map<CompletionToken, Begun>();
  #bytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** The whole answer, if this was its last part. */
  add(response: OrchestratorResponse, bytes: number): OrchestratorResponse | undefined {
    const { completionToken: token, isPartial, chunkIndex = 0 } = response;
    if (!isPartial && chunkIndex === 0) {
      this.#forget(token);
      return response;
    }
    if (chunkIndex === 0) this.#forget(token);
    const begun = this.#begun.get(token) ?? { actions: [], bytes: 0, chunks: 0 };
    if (begun.chunks !== chunkIndex) {
      this.#forget(token);
      const message = `Part ${chunkIndex} of the answer to a turn came where part ${begun.chunks} was expected. Send the answer again from part 0.`;
      throw new SignalboxError("FAILED_PRECONDITION", message);
    }
    begun.actions.push(...response.actions);
    if (!isPartial) {
      this.#forget(token);
      return { ...response, actions: begun.actions };
    }
    begun.chunks += 1;
    begun.bytes += bytes;
    this.#bytes += bytes;
    this.#begun.set(token, begun);
    this.#makeRoom(token);
    return undefined;
  }

  /** The oldest ones go: their workers have most likely gone too. */
  #makeRoom(newest: CompletionToken): void {
    for (const token of this.#begun.keys()) {
      if (this.#bytes <= this.#maxBytes) return;
      if (token !== newest) this.#forget(token);
    }
    if (this.#bytes <= this.#maxBytes) return;
    this.#forget(newest);
    throw new SignalboxError("LIMIT_EXCEEDED", `The parts of the answer to a turn are more than ${this.#maxBytes} bytes together.`);
  }

  #forget(token: CompletionToken): void {
    this.#bytes -= this.#begun.get(token)?.bytes ?? 0;
    this.#begun.delete(token);
  }
}
