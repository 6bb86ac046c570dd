// The calls that are being served. When the server closes, new ones are turned away, except those by which workers answer what they
// have; it waits until none is left and no worker has anything to answer.

import { SignalboxError } from "../../model/errors.ts";

export class Traffic {
  #open = 0;
  #closing: { readonly isQuiet: () => boolean; readonly resolve: () => void } | undefined;

  /** `answersWork`: one of the calls by which workers answer. */
  enter(answersWork = false): void {
    if (this.#closing !== undefined && !answersWork) throw shuttingDown();
    this.#open += 1;
  }

  left(): void {
    this.#open -= 1;
    this.settle();
  }

  /** Something may have become quiet. */
  settle(): void {
    if (this.#open === 0 && this.#closing?.isQuiet() === true) this.#closing.resolve();
  }

  /** Resolves when no call is being served and everything else is quiet too. */
  close(isQuiet: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      this.#closing = { isQuiet, resolve };
      this.settle();
    });
  }
}

export function shuttingDown(): SignalboxError {
  return new SignalboxError("SHUT_DOWN", "The server is shutting down. Try again in a moment.");
}
