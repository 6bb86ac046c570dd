// A job's masks: a set of secrets that only grows, and what hides them in text and streams.
//
// Patterns that are added later get an automaton of their own, and automata of like size are merged, so that a thousand
// add-mask commands do not build a thousand times everything that is known.

import { MASK, MaskStream, type SecretFinder } from "./mask-stream.ts";
import { PatternAutomaton } from "./pattern-automaton.ts";
import { secretForms } from "./secret-forms.ts";

export class Masker implements SecretFinder {
  readonly #values = new Set<string>();
  readonly #forms = new Set<string>();
  #fresh: Uint8Array[] = [];
  readonly #automata: PatternAutomaton[] = [];

  constructor(values: Iterable<string> = []) {
    for (const value of values) this.add(value);
  }

  /** False: it is blank, or known. It holds from the next byte on, for all streams. */
  add(value: string): boolean {
    if (value.trim() === "" || this.#values.has(value)) return false;
    this.#values.add(value);
    for (const form of secretForms(value)) {
      if (this.#forms.has(form)) continue;
      this.#forms.add(form);
      this.#fresh.push(Buffer.from(form));
    }
    return true;
  }

  /** Masks a whole text. The bytes are returned as they are if nothing is hidden. */
  maskBytes(bytes: Buffer): Buffer {
    const { spans } = this.find(bytes);
    if (spans.length === 0) return bytes;
    const parts: Buffer[] = [];
    let at = 0;
    for (let index = 0; index < spans.length; index += 2) {
      parts.push(bytes.subarray(at, spans[index]), Buffer.from(MASK));
      at = spans[index + 1] as number;
    }
    parts.push(bytes.subarray(at));
    return Buffer.concat(parts);
  }

  /** For people: names, errors, annotations. */
  maskText(text: string): string {
    const bytes = Buffer.from(text);
    const masked = this.maskBytes(bytes);
    return masked === bytes ? text : masked.toString();
  }

  wouldMask(text: string): boolean {
    return this.find(Buffer.from(text)).spans.length > 0;
  }

  stream(): MaskStream {
    return new MaskStream(this);
  }

  find(bytes: Uint8Array): { readonly spans: readonly number[]; readonly open: number } {
    this.#build();
    const found: number[] = [];
    let open = 0;
    for (const automaton of this.#automata) open = Math.max(open, automaton.find(bytes, found));
    return { spans: found.length === 0 ? found : join(found), open };
  }

  #build(): void {
    if (this.#fresh.length === 0) return;
    let next = new PatternAutomaton(this.#fresh);
    this.#fresh = [];
    for (let last = this.#automata.at(-1); last !== undefined && last.size <= 2 * next.size; last = this.#automata.at(-1)) {
      this.#automata.pop();
      next = new PatternAutomaton([...last.patterns, ...next.patterns]);
    }
    this.#automata.push(next);
  }
}

function join(found: readonly number[]): readonly number[] {
  const pairs: [number, number][] = [];
  for (let index = 0; index < found.length; index += 2) pairs.push([found[index] as number, found[index + 1] as number]);
  pairs.sort((a, b) => a[0] - b[0]);
  const joined: number[] = [];
  for (const [start, end] of pairs) {
    const last = joined.at(-1);
    if (last !== undefined && start <= last) joined[joined.length - 1] = Math.max(last, end);
    else joined.push(start, end);
  }
  return joined;
}
