// Masks a byte stream such that the cuts between its pieces change nothing: what may be the beginning of a secret is held
// back (at most the longest form's length; nothing right after a line's end), and a mask that has been written is
// remembered, so that a secret that overlaps or touches it adds no second one.

export const MASK = "***";

/** What a stream needs of a masker. */
export interface SecretFinder {
  /** Disjoint [start, end) pairs, ascending, touching ones joined; `open`: how many last bytes may begin a secret. */
  find(bytes: Uint8Array): { readonly spans: readonly number[]; readonly open: number };
}

const NOTHING = Buffer.alloc(0);

export class MaskStream {
  readonly #finder: SecretFinder;
  #held: Buffer = NOTHING;
  /** So many bytes of `#held` lie under a mask that is written already. */
  #covered = 0;
  /** What was written last is a mask that ends where the uncovered bytes begin. */
  #afterMask = false;

  constructor(finder: SecretFinder) {
    this.#finder = finder;
  }

  push(piece: Uint8Array): Buffer {
    return this.#advance(Buffer.concat([this.#held, piece]), false);
  }

  /** The rest; the stream begins anew. */
  end(): Buffer {
    const rest = this.#advance(this.#held, true);
    this.#afterMask = false;
    return rest;
  }

  #advance(bytes: Buffer, isLast: boolean): Buffer {
    const { spans, open } = this.#finder.find(bytes);
    const cut = isLast ? bytes.length : bytes.length - open;
    const parts: Buffer[] = [];
    let at = this.#covered;
    for (let index = 0; index < spans.length; index += 2) {
      const start = spans[index] as number;
      if (start >= cut) break;
      if (!(this.#afterMask && start <= at)) parts.push(bytes.subarray(at, start), Buffer.from(MASK));
      at = Math.max(at, spans[index + 1] as number);
      this.#afterMask = true;
    }
    if (at < cut) {
      parts.push(bytes.subarray(at, cut));
      at = cut;
      this.#afterMask = false;
    }
    this.#held = Buffer.from(bytes.subarray(cut));
    this.#covered = at - cut;
    return Buffer.concat(parts);
  }
}
