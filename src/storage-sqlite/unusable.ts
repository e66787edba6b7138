// Why a database cannot be used, in one line for the administrator that says what to do.

/** Cannot be used as it is, and is not damaged either: in use, another program's, of a newer version, no room, no rights. */
export class UnusableDatabaseError extends Error {
  override readonly name: string = 'UnusableDatabaseError'
}

/** The file holds an mk8s database, or should, and a part of it is lost: a copy from before is the way out. Nothing on disk was changed. */
export class DamagedDatabaseError extends UnusableDatabaseError {
  override readonly name = 'DamagedDatabaseError'
}

const wayOut = 'restore a back-up with "mk8s restore FILE", or start with --auto-recover to go on from the last good copy'

export const damaged = (path: string, why: string): DamagedDatabaseError => new DamagedDatabaseError(`database ${path} is damaged (${why}): ${wayOut}`)

export const gone = (path: string): DamagedDatabaseError => new DamagedDatabaseError(`database ${path} is gone, and this data directory had one: ${wayOut}`)

export const codeOf = (error: unknown): string => String((error as { code?: unknown } | undefined)?.code ?? '')

/** SQLite's word for it, or the system's. */
export const isFull = (error: unknown): boolean => ['SQLITE_FULL', 'ENOSPC', 'EDQUOT'].includes(codeOf(error))

export function explain(error: unknown, path: string): UnusableDatabaseError {
  if (error instanceof UnusableDatabaseError) return error
  const code = codeOf(error)
  const why = error instanceof Error ? error.message : String(error)
  if (code === 'SQLITE_BUSY' || code === 'SQLITE_LOCKED') {
    return new UnusableDatabaseError(`database ${path} is in use by another process: is mk8s running already with this data directory?`)
  }
  if (code === 'SQLITE_NOTADB') return damaged(path, 'it is not an mk8s database, or its beginning is lost')
  if (code.startsWith('SQLITE_CORRUPT')) return damaged(path, why)
  if (isFull(error)) return new UnusableDatabaseError(`no room to write database ${path}: free some disk space`)
  return new UnusableDatabaseError(`database ${path} cannot be used (${code || 'error'}: ${why}): check that the directory exists, is writable and that the disk is healthy`)
}
