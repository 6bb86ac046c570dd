// Aho-Corasick over bytes: all patterns are found in one pass, in time linear in the text, whatever the patterns are
// (a secret of 4,000 equal letters in a log of that letter is not quadratic). Transitions lie in one open-addressing
// table, so memory is linear in the patterns' bytes and not 256 times that. Every index here lies within its array, which
// the compiler cannot know: hence `as number`, and no check per byte.

const NONE = -1;

export class PatternAutomaton {
  readonly patterns: readonly Uint8Array[];
  /** Bytes in all patterns together. */
  readonly size: number;
  readonly #root = new Int32Array(256);
  readonly #fail: Int32Array;
  readonly #depth: Int32Array;
  /** The longest pattern that ends in a state; 0: none. Shorter ones at the same end lie inside it. */
  readonly #longest: Int32Array;
  readonly #keys: Int32Array;
  readonly #targets: Int32Array;
  readonly #mask: number;

  constructor(patterns: readonly Uint8Array[]) {
    this.patterns = patterns;
    this.size = patterns.reduce((sum, pattern) => sum + pattern.length, 0);
    const capacity = 2 ** Math.ceil(Math.log2(Math.max(16, this.size * 2)));
    this.#mask = capacity - 1;
    this.#keys = new Int32Array(capacity).fill(NONE);
    this.#targets = new Int32Array(capacity);
    this.#fail = new Int32Array(this.size + 1);
    this.#depth = new Int32Array(this.size + 1);
    this.#longest = new Int32Array(this.size + 1);
    this.#link(this.#insertAll(patterns));
  }

  /** Appends [start, end) pairs of what was found, by end; returns how many last bytes may begin a pattern that goes on. */
  find(bytes: Uint8Array, spans: number[]): number {
    const root = this.#root;
    const longest = this.#longest;
    const length = bytes.length;
    let state = 0;
    for (let index = 0; index < length; index++) {
      const byte = bytes[index] as number;
      if (state === 0) {
        state = root[byte] as number;
        if (state === 0) continue;
      } else state = this.#next(state, byte);
      const found = longest[state] as number;
      if (found > 0) spans.push(index + 1 - found, index + 1);
    }
    return this.#depth[state] as number;
  }

  #next(from: number, byte: number): number {
    let state = from;
    while (state !== 0) {
      const target = this.#lookup(state, byte);
      if (target !== NONE) return target;
      state = this.#fail[state] as number;
    }
    return this.#root[byte] as number;
  }

  #slot(key: number): number {
    let slot = (Math.imul(key, 0x9e3779b1) >>> 7) & this.#mask;
    while (this.#keys[slot] !== NONE && this.#keys[slot] !== key) slot = (slot + 1) & this.#mask;
    return slot;
  }

  #lookup(state: number, byte: number): number {
    const key = state * 256 + byte;
    const slot = this.#slot(key);
    return this.#keys[slot] === key ? (this.#targets[slot] as number) : NONE;
  }

  /** Returns the trie's edges as (parent, byte) per state, in order of creation. */
  #insertAll(patterns: readonly Uint8Array[]): readonly (readonly [parent: number, byte: number])[] {
    const edges: [number, number][] = [[0, 0]];
    for (const pattern of patterns) {
      let state = 0;
      for (const byte of pattern) {
        let target = state === 0 ? (this.#root[byte] as number) || NONE : this.#lookup(state, byte);
        if (target === NONE) {
          target = edges.length;
          edges.push([state, byte]);
          this.#depth[target] = (this.#depth[state] as number) + 1;
          if (state === 0) this.#root[byte] = target;
          else {
            const key = state * 256 + byte;
            const slot = this.#slot(key);
            this.#keys[slot] = key;
            this.#targets[slot] = target;
          }
        }
        state = target;
      }
      if (state !== 0) this.#longest[state] = this.#depth[state] as number;
    }
    return edges;
  }

  /** Failure links point to shallower states, so states are linked by depth. */
  #link(edges: readonly (readonly [number, number])[]): void {
    const order = edges.map((_, state) => state).toSorted((a, b) => (this.#depth[a] as number) - (this.#depth[b] as number));
    for (const state of order) {
      if (state === 0) continue;
      const [parent, byte] = edges[state] as readonly [number, number];
      const fail = parent === 0 ? 0 : this.#next(this.#fail[parent] as number, byte);
      this.#fail[state] = fail;
      this.#longest[state] ||= this.#longest[fail] as number;
    }
  }
}
