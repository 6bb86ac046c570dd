/** Cuts chunks of text into lines; what has no end yet waits for the next chunk. */
export class LineSplitter {
  #rest = "";
  readonly #onLine: (line: string) => void;

  constructor(onLine: (line: string) => void) {
    this.#onLine = onLine;
  }

  /** Characters that wait for their line's end. */
  get waiting(): number {
    return this.#rest.length;
  }

  push(chunk: string): void {
    const lines = `${this.#rest}${chunk}`.split("\n");
    this.#rest = lines.pop() ?? "";
    for (const line of lines) this.#onLine(line);
  }
}
