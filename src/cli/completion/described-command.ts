// The commands as completion scripts need them, read off the program itself so that they never drift apart.

import type { Command } from "commander";

export interface DescribedOption {
  /** `--job`, and `-f` where there is one. */
  readonly flags: readonly string[];
  readonly description: string;
  readonly takesValue: boolean;
  readonly choices: readonly string[];
  /** Its value is a path. */
  readonly isPath: boolean;
}

export interface DescribedCommand {
  readonly name: string;
  readonly description: string;
  readonly argument: "none" | "file" | "run" | "shell";
  readonly options: readonly DescribedOption[];
}

export function describeCommands(program: Command): readonly DescribedCommand[] {
  return program.commands.map((command) => ({
    name: command.name(),
    description: command.description(),
    argument: argumentKind(command.registeredArguments[0]?.name()),
    options: command.options.map((option) => ({
      flags: [option.long, option.short].filter((flag) => flag !== undefined && flag !== null),
      description: option.description,
      takesValue: option.required || option.optional,
      choices: option.argChoices ?? [],
      isPath: /<(?:dir|file)>/.test(option.flags),
    })),
  }));
}

function argumentKind(name: string | undefined): DescribedCommand["argument"] {
  if (name === "file" || name === "files") return "file";
  if (name === "run" || name === "runs") return "run";
  return name === "shell" ? "shell" : "none";
}
