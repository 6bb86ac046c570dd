// The commands as completion scripts need them, read off the program itself so that they never drift apart.

import type { Command, Option } from "commander";

const SHELLS = ["bash", "zsh", "fish"];

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
  readonly argument: "none" | "file" | "run" | "words";
  /** What may stand first, where that is known. */
  readonly words: readonly string[];
  readonly options: readonly DescribedOption[];
}

export function describeCommands(program: Command): readonly DescribedCommand[] {
  return program.commands.map((command) => ({
    name: command.name(),
    description: command.description(),
    argument: command.commands.length > 0 ? "words" : argumentKind(command.registeredArguments[0]?.name()),
    words: command.commands.length > 0 ? command.commands.map((each) => each.name()) : SHELLS,
    options: optionsOf(command).map((option) => ({
      flags: [option.long, option.short].filter((flag) => flag !== undefined && flag !== null),
      description: option.description,
      takesValue: option.required || option.optional,
      choices: option.argChoices ?? [],
      isPath: /<(?:dir|file)>/.test(option.flags),
    })),
  }));
}

/** Of a group those of all its commands. */
function optionsOf(command: Command): readonly Option[] {
  const options = [command, ...command.commands].flatMap((each) => each.options).filter(({ hidden }) => !hidden);
  return [...new Map(options.map((option) => [option.long, option])).values()];
}

function argumentKind(name: string | undefined): DescribedCommand["argument"] {
  if (name === "file" || name === "files") return "file";
  if (name === "run" || name === "runs") return "run";
  return name === "shell" ? "words" : "none";
}
