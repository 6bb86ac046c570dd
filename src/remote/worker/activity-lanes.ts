/** Places for activities: so many in all, and so many of one name. Those that find none wait, in order. */
export class ActivityLanes<Item> {
  readonly #maxOf: (name: string) => number;
  readonly #running = new Map<string, number>();
  #free: number;
  #waiting: { readonly name: string; readonly item: Item }[] = [];

  constructor(max: number, maxOf: (name: string) => number) {
    this.#free = max;
    this.#maxOf = maxOf;
  }

  /** Those that may begin now, this one perhaps among them. */
  enter(name: string, item: Item): readonly Item[] {
    this.#waiting.push({ name, item });
    return this.#take();
  }

  /** One has ended; those that may begin in its stead. */
  leave(name: string): readonly Item[] {
    this.#free += 1;
    this.#running.set(name, (this.#running.get(name) ?? 1) - 1);
    return this.#take();
  }

  /** Nobody who waits begins any more. */
  empty(): readonly Item[] {
    const waiting = this.#waiting;
    this.#waiting = [];
    return waiting.map(({ item }) => item);
  }

  #take(): readonly Item[] {
    if (this.#free === 0 || this.#waiting.length === 0) return [];
    const begun: Item[] = [];
    this.#waiting = this.#waiting.filter(({ name, item }) => {
      const running = this.#running.get(name) ?? 0;
      if (this.#free === 0 || running >= this.#maxOf(name)) return true;
      this.#free -= 1;
      this.#running.set(name, running + 1);
      begun.push(item);
      return false;
    });
    return begun;
  }
}
