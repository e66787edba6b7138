// Flags over environment over configuration file over defaults, checked and frozen. Everything that is wrong is one line.
import { parse as parseYaml } from 'yaml'
import { options, environmentName, type OptionName, type Options, type OptionSpec, type OptionValue } from './options.ts'

/** Its message is meant for the person who started mk8s: one line. */
export class ConfigError extends Error {
  override name = 'ConfigError'
}

export interface ConfigSources {
  command: 'server' | 'agent'
  /** As given on the command line, by option name; lists one item an occurrence. */
  flags: Partial<Record<OptionName, string | boolean | readonly string[]>>
  environment: Readonly<Record<string, string | undefined>>
  /** Undefined when the file does not exist. */
  readFile(path: string): string | undefined
}

export function loadOptions(sources: ConfigSources): Options {
  const fromEnvironment = readEnvironment(sources)
  const configPath = String(sources.flags.config ?? fromEnvironment.config ?? options.config.default)
  const fromFile = readConfigFile(configPath, sources)
  const result: Partial<Record<OptionName, OptionValue>> = {}
  for (const [name, spec] of optionsOf(sources.command)) {
    const given = sources.flags[name] ?? fromEnvironment[name] ?? fromFile[name]
    const origin = sources.flags[name] !== undefined ? `--${spec.flag}` : fromEnvironment[name] !== undefined ? environmentName(spec) : `${configPath}: ${spec.flag}`
    result[name] = given === undefined ? spec.default : parseValue(spec, given, origin)
  }
  return Object.freeze(result) as Options
}

export const optionsOf = (command: 'server' | 'agent'): [OptionName, OptionSpec][] =>
  (Object.entries(options) as [OptionName, OptionSpec][]).filter(([, spec]) => spec.for.includes(command))

function parseValue(spec: OptionSpec, given: unknown, origin: string): OptionValue {
  try {
    if (spec.kind.list) return Object.freeze([given].flat().flatMap((item) => spec.kind.parse(String(item)) as readonly string[]))
    if (Array.isArray(given)) throw new Error('takes one value')
    const value = String(given)
    if (value === '' && spec.kind.placeholder) throw new Error('the value is empty')
    return spec.kind.parse(value)
  } catch (error) {
    throw new ConfigError(`${origin}: ${(error as Error).message}`)
  }
}

function readEnvironment({ command, environment }: ConfigSources) {
  const found: Partial<Record<OptionName, string>> = {}
  const known = new Map(optionsOf(command).map(([name, spec]) => [environmentName(spec), name]))
  for (const [name, value] of Object.entries(environment)) {
    const option = known.get(name)
    if (option && value !== undefined) found[option] = value
  }
  return found
}

function readConfigFile(path: string, { command, flags, readFile }: ConfigSources): Partial<Record<OptionName, unknown>> {
  const content = readOr(path, readFile)
  if (content === undefined) {
    if (flags.config !== undefined) throw new ConfigError(`--config: ${path} does not exist`)
    return {}
  }
  const parsed = parseMapping(path, content)
  const all = new Map((Object.entries(options) as [OptionName, OptionSpec][]).map(([name, spec]) => [spec.flag, { name, spec }]))
  const found: Partial<Record<OptionName, unknown>> = {}
  for (const [key, value] of Object.entries(parsed)) {
    const option = all.get(key)
    if (!option) throw new ConfigError(`${path}: ${JSON.stringify(key)} is not an option`)
    if (value !== null && typeof value === 'object' && !Array.isArray(value)) throw new ConfigError(`${path}: ${key}: takes a value, not a mapping`)
    if (option.spec.for.includes(command) && value !== null) found[option.name] = value
  }
  return found
}

function readOr(path: string, readFile: ConfigSources['readFile']): string | undefined {
  try {
    return readFile(path)
  } catch (error) {
    throw new ConfigError(`${path} cannot be read: ${(error as Error).message}`)
  }
}

function parseMapping(path: string, content: string): Record<string, unknown> {
  let parsed: unknown
  try {
    parsed = parseYaml(content)
  } catch (error) {
    throw new ConfigError(`${path}: not valid YAML: ${(error as Error).message.split('\n')[0]!.replace(/:$/, '')}`)
  }
  if (parsed === null || parsed === undefined) return {}
  if (typeof parsed !== 'object' || Array.isArray(parsed)) throw new ConfigError(`${path}: must be a mapping of option names to values`)
  return parsed as Record<string, unknown>
}
