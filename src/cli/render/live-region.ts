// The lines at the bottom of the terminal that are painted again and again. What is printed above them stays.

import type { Terminal } from "../terminal.ts";
import { plainText } from "./safe-text.ts";
import { textWidth } from "./text-width.ts";

const HIDE_CURSOR = "\u001b[?25l";
const SHOW_CURSOR = "\u001b[?25h";
const CLEAR_LINE_END = "\u001b[K";
const CLEAR_BELOW = "\u001b[J";

export class LiveRegion {
  readonly #terminal: Terminal;
  /** Widths of the lines on screen: a terminal that became narrower has wrapped them. */
  #painted: readonly number[] = [];
  #isOpen = false;
  /** A process that ends in the middle still gives the cursor back. */
  readonly #restore = () => this.#terminal.write(SHOW_CURSOR);

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
  }

  paint(lines: readonly string[]): void {
    const begin = this.#isOpen ? this.#toTop() : HIDE_CURSOR;
    if (!this.#isOpen) process.once("exit", this.#restore);
    this.#isOpen = true;
    this.#terminal.write(begin + lines.map((line) => `${line}${CLEAR_LINE_END}\n`).join("") + CLEAR_BELOW);
    this.#painted = lines.map((line) => textWidth(plainText(line)));
  }

  /** Puts text above the region for good; the region has to be painted again. */
  print(text: string): void {
    this.#terminal.write(this.#isOpen ? this.#erased() + text : text);
    this.#painted = [];
  }

  /** Takes the region away. */
  close(): void {
    if (!this.#isOpen) return;
    this.#terminal.write(this.#erased() + SHOW_CURSOR);
    process.off("exit", this.#restore);
    this.#isOpen = false;
    this.#painted = [];
  }

  /** Line by line: some terminals keep what is cleared at once from the top of the screen in their history. */
  #erased(): string {
    return this.#toTop() + `${CLEAR_LINE_END}\n`.repeat(this.#rows()) + this.#toTop();
  }

  #toTop(): string {
    const up = this.#rows();
    return up === 0 ? "\r" : `\r\u001b[${up}A`;
  }

  #rows(): number {
    const columns = this.#terminal.columns();
    return this.#painted.reduce((rows, width) => rows + Math.max(1, Math.ceil(width / columns)), 0);
  }
}
