// What is under way for the server. After a lost connection it may send again what is still being done here: that is not done
// twice at the same time, but once more only if its answer did not get through (E5).

import type { CompletionToken } from "../../model/work-item.ts";

export class Deliveries {
  readonly #byToken = new Map<CompletionToken, Promise<boolean>>();
  readonly #underWay = new Set<Promise<boolean>>();

  /** `serve` answers whether the item is done with; it must not reject. */
  add(token: CompletionToken, serve: () => Promise<boolean>): void {
    const before = this.#byToken.get(token);
    const delivery = before === undefined ? serve() : before.then((isDone) => isDone || serve());
    // Without a token nothing is known to be the same.
    if (token !== "") this.#byToken.set(token, delivery);
    this.#underWay.add(delivery);
    void delivery.then(() => {
      this.#underWay.delete(delivery);
      if (this.#byToken.get(token) === delivery) this.#byToken.delete(token);
    });
  }

  /** Resolves when nothing is under way, whatever came in meanwhile. */
  async settled(): Promise<void> {
    while (this.#underWay.size > 0) await Promise.all(this.#underWay);
  }
}
