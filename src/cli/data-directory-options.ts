// Options of commands that work on the data directory of a server: flags, variables and the server's own configuration file, as for the server itself.
import { existsSync, readFileSync } from 'node:fs'
import { loadOptions } from '../config/load.ts'
import type { OptionName, Options } from '../config/options.ts'
import { CliError, type CliIo } from './io.ts'

export type DataDirectoryFlags = Partial<Record<Extract<OptionName, 'dataDir' | 'config' | 'privateRegistry' | 'etcdSnapshotDir' | 'nodeName'>, string>>

/** A configuration file need not exist: a back-up may bring it. */
export function dataDirectoryOptions(io: CliIo, flags: DataDirectoryFlags, what: string): Options {
  if (process.geteuid?.() !== 0) throw new CliError(`${what} must run as root`)
  const { dataDir, config, privateRegistry, etcdSnapshotDir, nodeName } = flags
  const given = Object.fromEntries(Object.entries({ dataDir, config, privateRegistry, etcdSnapshotDir, nodeName }).filter(([, value]) => value !== undefined))
  return loadOptions({ command: 'server', flags: given, environment: io.environment, readFile: (path) => (existsSync(path) ? readFileSync(path, 'utf8') : '') })
}

/** What stops a command is told in one line. */
export const inOneLine = <T>(work: Promise<T>): Promise<T> =>
  work.catch((error: Error) => {
    throw error instanceof CliError ? error : new CliError(error.message.split('\n')[0]!)
  })
