// The one source of chance of a simulation. Everything drawn is kept with its name, so that a failure can show all of it.

/** sfc32, seeded by a walk of splitmix32. */
export class Random {
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;
  readonly #names: string[] = [];
  readonly #values: (number | boolean)[] = [];

  constructor(seed: number) {
    let state = seed >>> 0;
    const split = (): number => {
      state = (state + 0x9e3779b9) | 0;
      let z = state ^ (state >>> 16);
      z = Math.imul(z, 0x21f0aaad);
      z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
      return (z ^ (z >>> 15)) | 0;
    };
    [this.#a, this.#b, this.#c] = [split(), split(), split()];
    for (let round = 0; round < 12; round++) this.#next();
  }

  int(what: string, from: number, to: number): number {
    return this.#keep(what, from + (this.#next() % (to - from + 1)));
  }

  chance(what: string, probability: number): boolean {
    return probability > 0 && this.#keep(what, this.#next() < probability * 2 ** 32);
  }

  pick<T>(what: string, list: readonly [T, ...T[]]): T {
    return list[this.int(what, 0, list.length - 1)] ?? list[0];
  }

  uuid(): string {
    const hex = [1, 2, 3, 4].map(() => this.#next().toString(16).padStart(8, "0")).join("");
    return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20)}`;
  }

  get drawn(): readonly string[] {
    return this.#names.map((name, index) => `${name}=${this.#values[index]}`);
  }

  #keep<T extends number | boolean>(what: string, value: T): T {
    this.#names.push(what);
    this.#values.push(value);
    return value;
  }

  #next(): number {
    const sum = (this.#a + this.#b + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = ((this.#c << 21) | (this.#c >>> 11)) + sum;
    return sum >>> 0;
  }
}
