/** What is due when, earliest first: a binary heap. Nothing is removed early; whoever fires looks whether it still matters. */
export class Deadlines<T> {
  readonly #heap: { readonly at: number; readonly what: T }[] = [];

  get next(): number | undefined {
    return this.#heap[0]?.at;
  }

  add(at: number, what: T): void {
    const heap = this.#heap;
    const item = { at, what };
    let index = heap.push(item) - 1;
    while (index > 0) {
      const above = (index - 1) >> 1;
      const parent = heap[above];
      if (parent === undefined || parent.at <= at) break;
      heap[index] = parent;
      index = above;
    }
    heap[index] = item;
  }

  /** The earliest that is due by then, or undefined. */
  take(until: number): T | undefined {
    const heap = this.#heap;
    const first = heap[0];
    if (first === undefined || first.at > until) return undefined;
    const last = heap.pop();
    if (last !== undefined && heap.length > 0) this.#sink(last);
    return first.what;
  }

  #sink(item: { readonly at: number; readonly what: T }): void {
    const heap = this.#heap;
    let index = 0;
    for (;;) {
      const left = 2 * index + 1;
      const right = left + 1;
      const l = heap[left];
      if (l === undefined) break;
      const r = heap[right];
      const [below, child] = r !== undefined && r.at < l.at ? [right, r] : [left, l];
      if (child.at >= item.at) break;
      heap[index] = child;
      index = below;
    }
    heap[index] = item;
  }
}
