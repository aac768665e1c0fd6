/** `weft completion SHELL`: a script for the shell, which asks `weft complete` for what may come next. */
import { Argument, Command } from "commander";
import type { Cli } from "./cli.ts";

/** Where nothing is known, each shell completes files. */
const scripts = {
  bash: `_weft() {
  local IFS=$'\\n'
  COMPREPLY=($(weft complete -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null))
}
complete -o default -F _weft weft
`,
  zsh: `#compdef weft
_weft() {
  local -a found
  found=("\${(@f)$(weft complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  if [[ -n "\${found[1]}" ]]; then compadd -a found; else _files; fi
}
compdef _weft weft
`,
  fish: `function __weft_complete
  set -l words (commandline -opc) (commandline -ct)
  weft complete -- $words[2..-1] 2>/dev/null
end
complete -c weft -a '(__weft_complete)'
`,
} as const;

const help = `
  source <(weft completion bash)                                   in ~/.bashrc
  source <(weft completion zsh)                                    in ~/.zshrc, after compinit
  weft completion fish > ~/.config/fish/completions/weft.fish`;

export function command(cli: Cli): Command {
  return new Command("completion")
    .addArgument(new Argument("<shell>").choices(Object.keys(scripts)))
    .addHelpText("after", help)
    .action((shell: keyof typeof scripts) => cli.output.write(scripts[shell]));
}
