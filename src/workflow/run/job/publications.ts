// The job's published results: position N is the first N of them. Each activity that needs the position carries what
// was published since the last one, so that history holds every entry once.

import type { PositionDelta, Publication } from "../records.ts";

export class Publications {
  #position = 0;
  #unsent: Publication[] = [];

  add(step: string, outcome: Publication["outcome"], conclusion: Publication["outcome"]): void {
    this.#position++;
    this.#unsent.push(conclusion === outcome ? { step, outcome } : { step, outcome, conclusion });
  }

  take(): PositionDelta {
    const published = this.#unsent;
    if (published.length === 0) return { position: this.#position };
    this.#unsent = [];
    return { position: this.#position, published };
  }
}
