// What a program left in its command files, after what it said by commands on its output. Read also when it failed.

import { readCommandFile } from "../read-command-file.ts";
import {
  CommandFileError,
  type FileCommand,
  type FileEntry,
  fileCommandFailed,
  parseEntries,
  parseEnvironment,
  parsePath,
  SUMMARY_LIMIT,
  summaryTooLarge,
} from "../text/command-files.ts";
import type { StepOutput } from "../text/step-output.ts";
import type { ScriptDirectory } from "./script-directories.ts";

export interface CommandFileResults {
  readonly outputs: ReadonlyMap<string, string>;
  readonly state: ReadonlyMap<string, string>;
  readonly environment: readonly FileEntry[];
  readonly path: readonly string[];
  readonly summary: string;
  readonly failures: readonly string[];
}

export function readCommandFiles(scripts: ScriptDirectory, output: StepOutput): CommandFileResults {
  const failures: string[] = [];
  const read = <T>(command: FileCommand, parse: (text: string) => T, none: T): T => {
    try {
      const text = readCommandFile(`${scripts.path}/${command}`, command);
      return text === "" ? none : parse(text);
    } catch (error) {
      if (!(error instanceof CommandFileError)) throw error;
      failures.push(fileCommandFailed(command), error.message);
      output.writeError(fileCommandFailed(command));
      output.writeError(error.message);
      return none;
    }
  };
  const outputs = new Map(output.outputs);
  for (const { name, value } of read("output", parseEntries, [])) outputs.set(name, value);
  const state = new Map(output.state);
  for (const { name, value } of read("state", parseEntries, [])) state.set(name, value);
  const environment = read("env", parseEnvironment, { entries: [], ignored: [] });
  for (const name of environment.ignored) output.writeWarning(`Can't update ${name}: it is set by the runner and was left as it is.`);
  return {
    outputs,
    state,
    environment: [...output.environment, ...environment.entries],
    path: [...output.path, ...read("path", parsePath, [])],
    summary: readSummary(scripts, output),
    failures,
  };
}

/** Too much of a summary is no failure of the step. */
function readSummary(scripts: ScriptDirectory, output: StepOutput): string {
  try {
    return readCommandFile(`${scripts.path}/step_summary`, "step_summary", SUMMARY_LIMIT, summaryTooLarge);
  } catch (error) {
    if (!(error instanceof CommandFileError)) throw error;
    output.writeError(error.message);
    return "";
  }
}
