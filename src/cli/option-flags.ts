// The table of options as flags of a commander command.
import { Command, Option } from 'commander'
import { optionsOf } from '../config/load.ts'
import { environmentName, type OptionName, type OptionSpec } from '../config/options.ts'

export type GivenFlags = Partial<Record<OptionName, string | boolean | readonly string[]>>

export function addOptionFlags(command: Command, of: 'server' | 'agent'): Command {
  for (const [, spec] of optionsOf(of)) command.addOption(flagOf(spec))
  return command
}

function flagOf(spec: OptionSpec): Option {
  const short = spec.short ? `-${spec.short}, ` : ''
  const value = spec.kind.placeholder ? ` <${spec.kind.placeholder}>` : ''
  const option = new Option(`${short}--${spec.flag}${value}`, `${spec.help} (${describeDefault(spec)}${environmentName(spec)})`)
  if (spec.kind.list) option.argParser((item: string, before: readonly string[] | undefined) => [...(before ?? []), item])
  return option
}

function describeDefault(spec: OptionSpec): string {
  const shown = spec.defaultText ?? (Array.isArray(spec.default) ? spec.default.join(',') : String(spec.default ?? ''))
  return shown === '' || spec.default === false ? '' : `default: ${shown}; `
}

/** What commander collected, by option name (commander's camel case of the flag is the option's name). */
export const givenFlags = (command: Command): GivenFlags => command.opts()
