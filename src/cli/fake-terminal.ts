// A terminal for tests, beside the interface that it fakes.

import type { StopSignal, Terminal } from "./terminal.ts";

export interface FakeTerminal extends Terminal {
  /** Everything written so far. */
  output(): string;
  errors(): string;
  press(signal: StopSignal): void;
  resize(columns: number, rows: number): void;
  readonly questions: readonly string[];
  listenerCount(): number;
}

export interface FakeTerminalOptions {
  readonly isLive?: boolean;
  readonly hasColor?: boolean;
  readonly columns?: number;
  readonly rows?: number;
  /** Given to questions in order; without them nobody can be asked. */
  readonly answers?: readonly string[];
}

export function fakeTerminal(options: FakeTerminalOptions = {}): FakeTerminal {
  let output = "";
  let errors = "";
  let columns = options.columns ?? 80;
  let rows = options.rows ?? 24;
  const answers = [...(options.answers ?? [])];
  const questions: string[] = [];
  const resized = new Set<() => void>();
  const signalled = new Set<(signal: StopSignal) => void>();
  return {
    isLive: options.isLive ?? false,
    isInteractive: options.answers !== undefined,
    hasColor: options.hasColor ?? false,
    columns: () => columns,
    rows: () => rows,
    write: (text) => {
      output += text;
    },
    writeError: (text) => {
      errors += text;
    },
    flush: () => Promise.resolve(),
    isOutputGone: () => false,
    onResize(listener) {
      resized.add(listener);
      return () => resized.delete(listener);
    },
    onSignal(listener) {
      signalled.add(listener);
      return () => signalled.delete(listener);
    },
    ask(question) {
      questions.push(question);
      return Promise.resolve(answers.shift() ?? "");
    },
    output: () => output,
    errors: () => errors,
    press: (signal) => {
      for (const listener of Array.from(signalled)) listener(signal);
    },
    resize(newColumns, newRows) {
      columns = newColumns;
      rows = newRows;
      for (const listener of Array.from(resized)) listener();
    },
    questions,
    listenerCount: () => resized.size + signalled.size,
  };
}
