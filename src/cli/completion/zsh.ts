import type { DescribedCommand, DescribedOption } from "./described-command.ts";

export function zshCompletion(commands: readonly DescribedCommand[]): string {
  const names = commands.map(({ name, description }) => `    ${quoted(`${name}:${description}`)}`).join("\n");
  const cases = commands.map((command) => `    ${command.name})\n      _arguments ${specs(command).join(" \\\n        ")} ;;`).join("\n");
  return `#compdef signalbox
# zsh completion for signalbox: signalbox completion zsh > a folder of $fpath/_signalbox
_signalbox_runs() {
  local -a runs
  runs=(latest \${(f)"$(signalbox list --quiet 2>/dev/null)"})
  compadd -a runs
}
_signalbox() {
  local -a commands
  commands=(
${names}
  )
  if ((CURRENT == 2)); then
    _describe command commands
    return
  fi
  local command=$words[2]
  shift words
  ((CURRENT--))
  case $command in
${cases}
  esac
}
compdef _signalbox signalbox
`;
}

function specs({ argument, words, options }: DescribedCommand): readonly string[] {
  const rest = {
    none: [],
    file: [quoted("*:file:_files")],
    run: [quoted("*:run:_signalbox_runs")],
    words: [quoted(`1:word:(${words.join(" ")})`)],
  };
  return [...options.flatMap(optionSpecs), ...rest[argument]];
}

function optionSpecs({ flags, description, takesValue, choices, isPath }: DescribedOption): readonly string[] {
  const action = choices.length > 0 ? `(${choices.join(" ")})` : isPath ? "_files" : " ";
  const text = description.replace(/[[\]:]/g, "\\$&");
  return flags.map((flag) => quoted(`*${flag}[${text}]${takesValue ? `:value:${action}` : ""}`));
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
