import type { DescribedCommand, DescribedOption } from "./described-command.ts";

export function fishCompletion(commands: readonly DescribedCommand[]): string {
  const lines = commands.flatMap((command) => [
    `complete -c signalbox -n __fish_use_subcommand -a ${command.name} -d ${quoted(command.description)}`,
    ...argumentLines(command),
    ...command.options.map((option) => optionLine(command.name, option)),
  ]);
  return `# fish completion for signalbox: signalbox completion fish > ~/.config/fish/completions/signalbox.fish
complete -c signalbox -f
${lines.join("\n")}
`;
}

function argumentLines({ name, argument, words }: DescribedCommand): readonly string[] {
  const within = `complete -c signalbox -n '__fish_seen_subcommand_from ${name}'`;
  switch (argument) {
    case "file":
      return [`${within} -F`];
    case "run":
      return [`${within} -a 'latest (signalbox list --quiet 2>/dev/null)'`];
    case "words":
      return [`${within} -a ${quoted(words.join(" "))}`];
    case "none":
      return [];
    default:
      return argument satisfies never;
  }
}

function optionLine(command: string, { flags, description, takesValue, choices, isPath }: DescribedOption): string {
  const names = flags.map((flag) => (flag.startsWith("--") ? `-l ${flag.slice(2)}` : `-s ${flag.slice(1)}`)).join(" ");
  const value = takesValue ? (choices.length > 0 ? ` -x -a ${quoted(choices.join(" "))}` : isPath ? " -r -F" : " -x") : "";
  return `complete -c signalbox -n '__fish_seen_subcommand_from ${command}' ${names}${value} -d ${quoted(description)}`;
}

function quoted(text: string): string {
  return `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
}
