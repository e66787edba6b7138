// Paths inside volumes and containers.
import { invalid } from '../../../../field-error.ts'
import type { Findings } from '../../validation/findings.ts'

export function* noBacksteps(field: string, path: string): Findings {
  if (path.split('/').includes('..')) yield invalid(field, path, "must not contain '..'")
}

export function* descendingPath(field: string, path: string): Findings {
  if (path.startsWith('/')) yield invalid(field, path, 'must be a relative path')
  yield* noBacksteps(field, path)
}

/** Names that start with `..` belong to the atomic writer. */
export function* nonReservedPath(field: string, path: string): Findings {
  yield* descendingPath(field, path)
  if (path.startsWith('..') && !path.startsWith('../')) yield invalid(field, path, "must not start with '..'")
}

export function* fileMode(field: string, mode: number | undefined): Findings {
  if (mode !== undefined && (mode > 0o777 || mode < 0)) yield invalid(field, mode, 'must be a number between 0 and 0777 (octal), both inclusive')
}
