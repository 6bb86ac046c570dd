// A `run` step: its script, in its shell.

import { writeFileSync } from "node:fs";
import { resolve } from "node:path";
import type { JsonValue } from "../../model/payload.ts";
import type { ReadyRun } from "./ready-step.ts";
import { resolveShell } from "./shells.ts";
import type { StepAttempt } from "./step-attempt.ts";
import { endOfProgram, type StepEnd } from "./step-end.ts";
import { stepEnvironment } from "./step-environment.ts";

export async function runScript(
  attempt: StepAttempt,
  ready: ReadyRun,
  contexts?: { readonly [name: string]: JsonValue },
): Promise<StepEnd> {
  const { job, options } = attempt;
  const { scripts } = options;
  const directory = scripts.take(job.runMark);
  try {
    const environment = stepEnvironment(job, {
      environment: ready.environment,
      path: ready.path,
      scripts: directory,
      marker: options.marker,
      github: { ...contexts, action: actionName(ready.contextName) },
    });
    const shell = resolveShell(ready.shell, environment["PATH"] ?? "");
    const script = `${directory.path}/script${shell.extension}`;
    writeFileSync(script, shell.wrapScript(ready.script), { mode: 0o600 });
    announce(attempt, ready, shell.command);
    const cwd = resolve(job.request.directories.workspace, ready.workingDirectory ?? "");
    const end = await attempt.run({
      command: shell.command,
      args: shell.args(script),
      readsBashEnv: shell.readsBashEnv,
      cwd,
      env: environment,
      scripts: directory,
    });
    return endOfProgram(end);
  } finally {
    scripts.discard(directory);
  }
}

/** GitHub gives steps without an id the name `__run`. */
function actionName(contextName: string): string {
  return /^__\d+$/.test(contextName) ? "__run" : contextName;
}

function announce(attempt: StepAttempt, ready: ReadyRun, shell: string): void {
  attempt.output.writeLine(`##[group]${ready.name}\n${ready.script.trimEnd()}\nshell: ${shell}\n##[endgroup]`);
}
