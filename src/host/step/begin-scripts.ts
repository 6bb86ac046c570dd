// The evidence that an attempt really began: its own process writes it as its first act. bash reads BASH_ENV before its
// script, which costs 0.04 ms; for everything else a shell stands in front and becomes the program, which costs 0.2 ms.
// A process that finds its folder gone (a crash was cleaned up meanwhile) neither begins nor leaves evidence.

import { writeFileSync } from "node:fs";

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

const files = (folder: string) => ({ any: `${folder}/begin.sh`, bash: `${folder}/begin.bash` });

/** Into the folder that all starts of a host and run have in common. */
export function writeBeginScripts(folder: string): void {
  const { any, bash } = files(folder);
  writeFileSync(any, BEGIN, { mode: 0o600 });
  writeFileSync(bash, `${BEGIN}${RESTORE_BASH_ENV}`, { mode: 0o600 });
}

interface Start {
  readonly command: string;
  readonly args: readonly string[];
  readonly env: { readonly [name: string]: string };
}

/** The process itself says that it has begun, before the first line of its script. `folder`: that of the begin scripts. */
export function withEvidence({ command, args, env }: Start, how: { folder: string; beganFile: string; readsBashEnv: boolean }): Start {
  const { any, bash } = files(how.folder);
  const began = { ...env, SIGNALBOX_BEGAN: how.beganFile };
  if (!how.readsBashEnv) return { command: "/bin/sh", args: ["-c", '. "$0" && exec "$@"', any, command, ...args], env: began };
  const own = env["BASH_ENV"];
  return { command, args, env: Object.assign(began, { BASH_ENV: bash }, own === undefined ? {} : { SIGNALBOX_BASH_ENV: own }) };
}
