import type { ProgramEnd } from "./step-attempt.ts";

/** How what a step runs came out, before continue-on-error. */
export interface StepEnd {
  readonly outcome: "success" | "failure" | "cancelled";
  readonly outputs: ReadonlyMap<string, string>;
  readonly exitCode?: number;
  readonly signal?: string;
  /** For people; shown in the log and kept in the result. */
  readonly message?: string;
  /** The log has it already, where it was found. */
  readonly isTold?: boolean;
}

export function failed(message: string, outputs: ReadonlyMap<string, string> = new Map()): StepEnd {
  return { outcome: "failure", outputs, message };
}

/** Exit code 0 and no command that failed. */
export function endOfProgram(end: ProgramEnd): StepEnd {
  const { exitCode, signal, outputs, failures } = end;
  const ended = { outputs, ...(exitCode === undefined ? {} : { exitCode }), ...(signal === undefined ? {} : { signal }) };
  if (exitCode !== undefined && exitCode !== 0) {
    return { ...ended, outcome: "failure", message: `Process completed with exit code ${exitCode}.` };
  }
  if (signal !== undefined) return { ...ended, outcome: "failure", message: `Process was ended by ${signal}.` };
  if (failures.length > 0) return { ...ended, outcome: "failure", message: failures.join(" "), isTold: true };
  return { ...ended, outcome: "success" };
}
