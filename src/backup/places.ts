// What a back-up holds, and where each part of it lies on a machine.
import { readdirSync } from 'node:fs'
import { join } from 'node:path'

export interface Places {
  /** The data directory. */
  data: string
  /** Configuration by its name in the archive, as `config/config.yaml`; need not exist. */
  configuration: Readonly<Record<string, string>>
}

export const databaseName = 'state.db'
const databaseFiles = 'server/db'
/** Where SQLite keeps what is not yet in the database. They go when the database goes. */
export const databaseCompanions = ['state.db-wal', 'state.db-shm', 'state.db-journal'].map((name) => join(databaseFiles, name))

/** By name in the archive, below the data directory. `tls` is a directory. */
export const parts = { 'state.db': join(databaseFiles, databaseName), 'tls': 'server/tls', 'token': 'server/token', 'node-name': 'node-name' } as const

/** The files that are copied as they are: path by name in the archive. */
export function plainFiles({ data, configuration }: Places): Map<string, string> {
  const tls = join(data, parts.tls)
  const keys = filesOf(tls).map((name): [string, string] => [`tls/${name}`, join(tls, name)])
  const single = (['token', 'node-name'] as const).map((name): [string, string] => [name, join(data, parts[name])])
  return new Map([...single, ...keys, ...Object.entries(configuration)])
}

function filesOf(directory: string): string[] {
  try {
    return readdirSync(directory, { withFileTypes: true }).filter((entry) => entry.isFile() && !entry.name.endsWith('.tmp')).map((entry) => entry.name).sort()
  } catch {
    return []
  }
}
