import type { Command } from "commander";
import { SignalboxError } from "../../model/errors.ts";
import type { CommandContext } from "../command-context.ts";
import { bashCompletion } from "../completion/bash.ts";
import { describeCommands } from "../completion/described-command.ts";
import { fishCompletion } from "../completion/fish.ts";
import { zshCompletion } from "../completion/zsh.ts";
import { EXIT } from "../exit-codes.ts";

const SHELLS = { bash: bashCompletion, zsh: zshCompletion, fish: fishCompletion };

export function completion(shell: string, program: Command, { terminal }: CommandContext): Promise<number> {
  const [, script] = Object.entries(SHELLS).find(([name]) => name === shell) ?? [];
  if (script === undefined) {
    throw new SignalboxError("INVALID_ARGUMENT", `There is no completion for '${shell}': it is one of ${Object.keys(SHELLS).join(", ")}.`);
  }
  terminal.write(script(describeCommands(program)));
  return Promise.resolve(EXIT.success);
}
