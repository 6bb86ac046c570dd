// The evidence that an attempt really began: its own process writes it as its first act. bash reads BASH_ENV before its
// script, which costs 0.04 ms; for everything else a shell stands in front and becomes the program, which costs 0.2 ms.
// A process that finds its folder gone (a crash was cleaned up meanwhile) neither begins nor leaves evidence.

import { writeFileSync } from "node:fs";
import type { RunProgram } from "./step-attempt.ts";

// The number stands in the name: the evidence is there whole or not at all, and is found without reading it.
const BEGIN = ': > "$SIGNALBOX_BEGAN.$$"\nunset SIGNALBOX_BEGAN\n';

/** What the step has set BASH_ENV to itself holds: for what it starts, and for its own shell. */
const RESTORE_BASH_ENV = `if [ -z "\${SIGNALBOX_BASH_ENV+x}" ]; then unset BASH_ENV
else
  export BASH_ENV="$SIGNALBOX_BASH_ENV"
  unset SIGNALBOX_BASH_ENV
  if [ -f "$BASH_ENV" ]; then . "$BASH_ENV"; fi
fi
`;

/** Into the folder that all starts of a host and run have in common. */
export function writeBeginScripts(directory: string): void {
  writeFileSync(`${directory}/begin.sh`, BEGIN, { mode: 0o600 });
  writeFileSync(`${directory}/begin.bash`, `${BEGIN}${RESTORE_BASH_ENV}`, { mode: 0o600 });
}

/** The process itself says that it has begun, before the first line of its script. */
export function withEvidence(program: RunProgram, beganFile: string): Pick<RunProgram, "command" | "args" | "env"> {
  const { command, args, scripts } = program;
  const env: { [name: string]: string } = { ...program.env, SIGNALBOX_BEGAN: beganFile };
  if (!program.readsBashEnv)
    return { command: "/bin/sh", args: ["-c", '. "$0" && exec "$@"', `${scripts.host}/begin.sh`, command, ...args], env };
  const own = env["BASH_ENV"];
  if (own !== undefined) env["SIGNALBOX_BASH_ENV"] = own;
  env["BASH_ENV"] = `${scripts.host}/begin.bash`;
  return { command, args, env };
}
