import type { DescribedCommand } from "./described-command.ts";

/** Run ids are asked for when they are needed; everything else is in the script. */
export function bashCompletion(commands: readonly DescribedCommand[]): string {
  const cases = commands.map(commandCase).join("\n");
  return `# bash completion for signalbox: source <(signalbox completion bash)
_signalbox() {
  local word=\${COMP_WORDS[COMP_CWORD]} before=\${COMP_WORDS[COMP_CWORD - 1]}
  COMPREPLY=()
  if ((COMP_CWORD == 1)); then
    COMPREPLY=($(compgen -W "${commands.map(({ name }) => name).join(" ")}" -- "$word"))
    return
  fi
  local options="" argument="" words=""
  case \${COMP_WORDS[1]} in
${cases}
    *) return ;;
  esac
  if [[ $word == -* ]]; then
    COMPREPLY=($(compgen -W "$options" -- "$word"))
    return
  fi
  case $argument in
    file) COMPREPLY=($(compgen -f -- "$word")) ;;
    run) COMPREPLY=($(compgen -W "latest $(signalbox list --quiet 2>/dev/null)" -- "$word")) ;;
    words) ((COMP_CWORD == 2)) && COMPREPLY=($(compgen -W "$words" -- "$word")) ;;
  esac
}
complete -o filenames -F _signalbox signalbox
`;
}

function commandCase({ name, argument, words, options }: DescribedCommand): string {
  const valued = options.filter(({ takesValue }) => takesValue);
  const values = valued.map(({ flags, choices, isPath }) => {
    const reply =
      choices.length > 0
        ? `COMPREPLY=($(compgen -W "${choices.join(" ")}" -- "$word"))`
        : isPath
          ? `COMPREPLY=($(compgen -f -- "$word"))`
          : ":";
    return `        ${flags.join(" | ")}) ${reply}; return ;;`;
  });
  const before = values.length === 0 ? "" : `      case $before in\n${values.join("\n")}\n      esac\n`;
  return `    ${name})
${before}      options="${options.flatMap(({ flags }) => flags).join(" ")}"
      argument=${argument}${argument === "words" ? ` words="${words.join(" ")}"` : ""}
      ;;`;
}
