import { statSync } from 'node:fs'

/** When a server wrote last to the database, by the clock of then, in milliseconds since 1970; undefined where there is none. */
export function lastWrite(path: string): number | undefined {
  const times = [path, `${path}-wal`].flatMap((file) => statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? [])
  return times.length > 0 ? Math.max(...times) : undefined
}
