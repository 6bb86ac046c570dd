// The live tree: repainted when something happened, at most ten times a second, and with every turn of the spinner.

import type { RunView } from "../../model/run-view.ts";
import type { Terminal } from "../terminal.ts";
import { LiveRegion } from "./live-region.ts";
import { pictureOf } from "./picture.ts";
import { SPINNER_INTERVAL_MS, type Style } from "./style.ts";

export class LiveTree {
  readonly #terminal: Terminal;
  readonly #style: Style;
  readonly #view: () => RunView;
  readonly #now: () => number;
  readonly #region: LiveRegion;
  readonly #timer: NodeJS.Timeout;
  readonly #forgetResize: () => void;
  #frame = 0;

  constructor(options: { terminal: Terminal; style: Style; view: () => RunView; now: () => number }) {
    this.#terminal = options.terminal;
    this.#style = options.style;
    this.#view = options.view;
    this.#now = options.now;
    this.#region = new LiveRegion(options.terminal);
    this.#timer = setInterval(() => {
      this.#frame += 1;
      this.paint();
    }, SPINNER_INTERVAL_MS);
    this.#forgetResize = options.terminal.onResize(() => this.paint());
    this.paint();
  }

  paint(): void {
    const lines = pictureOf(this.#view(), {
      columns: this.#terminal.columns(),
      // The last row stays free for the cursor.
      rows: this.#terminal.rows() - 1,
      now: this.#now(),
      frame: this.#frame,
      style: this.#style,
    });
    this.#region.paint(lines);
  }

  /** Text that stays above the tree. */
  print(text: string): void {
    this.#region.print(text);
    this.paint();
  }

  close(): void {
    clearInterval(this.#timer);
    this.#forgetResize();
    this.#region.close();
  }
}
