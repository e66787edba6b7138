// Completion scripts for shells, made from the commands themselves.
import type { Command } from 'commander'
import { CliError } from './io.ts'

export function completionScript(shell: string, program: Command): string {
  const make = { bash, zsh, fish }[shell]
  if (!make) throw new CliError(`${JSON.stringify(shell)} is not a shell this can complete for: bash, zsh or fish`)
  return make(program)
}

const subcommands = (command: Command) => command.commands.map((c) => c.name())
const flags = (command: Command) => command.options.map((o) => o.long!).concat('--help')

/** Word lists by command path: `''`, `server`, `images`, `images import`. */
function wordLists(program: Command): Map<string, string[]> {
  const lists = new Map([['', [...subcommands(program), ...flags(program)]]])
  for (const command of program.commands) {
    lists.set(command.name(), [...subcommands(command), ...flags(command)])
    for (const inner of command.commands) lists.set(`${command.name()} ${inner.name()}`, flags(inner))
  }
  return lists
}

function bash(program: Command): string {
  const cases = [...wordLists(program)].map(([path, words]) => `    '${path}') words='${words.join(' ')}' ;;`)
  return `_mk8s() {
  local path='' word words
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case $word in -*) ;; *) case "$path" in '' | images | certificate) path="\${path:+$path }$word" ;; esac ;; esac
  done
  case "$path" in
${cases.join('\n')}
    *) words='' ;;
  esac
  COMPREPLY=($(compgen -W "$words" -- "\${COMP_WORDS[COMP_CWORD]}"))
  [ \${#COMPREPLY[@]} -gt 0 ] || compopt -o default
}
complete -F _mk8s mk8s
`
}

const zsh = (program: Command): string => `#compdef mk8s
autoload -U +X bashcompinit && bashcompinit
${bash(program)}`

function fish(program: Command): string {
  const lines = ['complete -c mk8s -f']
  for (const command of program.commands) {
    lines.push(`complete -c mk8s -n __fish_use_subcommand -a ${command.name()} -d '${command.description().replaceAll("'", "\\'")}'`)
    for (const inner of command.commands) lines.push(`complete -c mk8s -n '__fish_seen_subcommand_from ${command.name()}' -a ${inner.name()}`)
    for (const option of command.options) lines.push(`complete -c mk8s -n '__fish_seen_subcommand_from ${command.name()}' -l ${option.long!.slice(2)}`)
  }
  return lines.join('\n') + '\n'
}
