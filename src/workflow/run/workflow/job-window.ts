// `--max-jobs`: a bounded number of jobs of the whole run at once, called workflows included, first come first served.
// The root of the run holds the window; called workflows ask it by events.

export type SlotTaker =
  | { readonly kind: "cell"; readonly key: string }
  | { readonly kind: "called"; readonly from: string; readonly key: string };

export class JobWindow {
  readonly #size: number;
  readonly #queue: SlotTaker[] = [];
  #taken = 0;

  constructor(size: number) {
    this.#size = Math.max(1, size);
  }

  ask(taker: SlotTaker): readonly SlotTaker[] {
    this.#queue.push(taker);
    return this.#grant();
  }

  giveBack(): readonly SlotTaker[] {
    this.#taken--;
    return this.#grant();
  }

  #grant(): readonly SlotTaker[] {
    const granted = this.#queue.splice(0, Math.max(0, this.#size - this.#taken));
    this.#taken += granted.length;
    return granted;
  }
}
