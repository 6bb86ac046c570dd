// The process's own terminal.

import type { StopSignal, Terminal } from "./terminal.ts";

type Environment = { readonly [name: string]: string | undefined };

export function openTerminal(environment: Environment): Terminal {
  const output = quietStream(process.stdout);
  const errors = quietStream(process.stderr);
  return {
    isLive: isLive(process.stdout.isTTY, environment),
    isInteractive: process.stdin.isTTY && process.stderr.isTTY,
    hasColor: hasColor(process.stdout.isTTY, environment),
    columns: () => process.stdout.columns || 80,
    rows: () => process.stdout.rows || 24,
    write: output.write,
    writeError: errors.write,
    flush: async () => {
      await Promise.all([output.flush(), errors.flush()]);
    },
    isOutputGone: output.isGone,
    onResize(listener) {
      process.stdout.on("resize", listener);
      return () => process.stdout.off("resize", listener);
    },
    onSignal(listener) {
      const signals: readonly StopSignal[] = ["SIGINT", "SIGTERM", "SIGHUP"];
      const bound = signals.map((signal) => [signal, () => listener(signal)] as const);
      for (const [signal, heard] of bound) process.on(signal, heard);
      return () => {
        for (const [signal, heard] of bound) process.off(signal, heard);
      };
    },
    ask: async (question, options) => (await import("./ask.ts")).ask(question, options?.hidden === true),
  };
}

/** Repainting needs cursor movements, which `NO_COLOR` and `TERM=dumb` ask to leave out. */
export function isLive(isTerminal: boolean, environment: Environment): boolean {
  return isTerminal && !environment["NO_COLOR"] && environment["TERM"] !== "dumb";
}

export function hasColor(isTerminal: boolean, environment: Environment): boolean {
  if (environment["NO_COLOR"]) return false;
  if (environment["FORCE_COLOR"]) return environment["FORCE_COLOR"] !== "0";
  return isTerminal && environment["TERM"] !== "dumb";
}

interface QuietStream {
  readonly write: (text: string) => void;
  readonly flush: () => Promise<void>;
  readonly isGone: () => boolean;
}

/** A stream whose reader may leave (`| head`) without the process dying of it: a run goes on, it is only not watched. */
function quietStream(stream: NodeJS.WriteStream): QuietStream {
  let gone = false;
  stream.on("error", () => {
    gone = true;
  });
  return {
    write(text) {
      if (!gone) stream.write(text);
    },
    flush: () =>
      new Promise((resolve) => {
        if (gone || stream.writableLength === 0) resolve();
        else stream.write("", () => resolve());
      }),
    isGone: () => gone,
  };
}
