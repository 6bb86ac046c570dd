// The terminal as the commands see it: where they write, how wide it is, what the person presses. The real one is
// real-terminal.ts; tests use fake-terminal.ts.

export type StopSignal = "SIGINT" | "SIGTERM" | "SIGHUP";

export interface Terminal {
  /** Whether standard output may be repainted: a terminal, and neither `TERM=dumb` nor `NO_COLOR`. */
  readonly isLive: boolean;
  /** Whether a person can be asked: standard input and error are terminals. */
  readonly isInteractive: boolean;
  readonly hasColor: boolean;
  columns(): number;
  rows(): number;
  /** To standard output. Never throws: a reader that went away gets nothing more. */
  write(text: string): void;
  /** To standard error. */
  writeError(text: string): void;
  /** Resolves when all that was written has left the process. */
  flush(): Promise<void>;
  /** Whether the reader of standard output has gone. */
  isOutputGone(): boolean;
  /** Each returns what takes the listener away again. */
  onResize(listener: () => void): () => void;
  onSignal(listener: (signal: StopSignal) => void): () => void;
  /** Asks on standard error, so that standard output stays clean; `hidden` does not echo. */
  ask(question: string, options?: { readonly hidden?: boolean }): Promise<string>;
}
