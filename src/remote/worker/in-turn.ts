/** Work of one key is done one after the other, whatever comes in (E1). */
export class InTurn<Key> {
  readonly #last = new Map<Key, Promise<unknown>>();

  /** `work` must not reject. */
  async run<Result>(key: Key, work: () => Promise<Result>): Promise<Result> {
    const before = this.#last.get(key);
    const result = before === undefined ? work() : before.then(work);
    this.#last.set(key, result);
    const value = await result;
    if (this.#last.get(key) === result) this.#last.delete(key);
    return value;
  }
}
