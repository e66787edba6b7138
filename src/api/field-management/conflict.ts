import { StatusError } from '../status-error.ts'
import { type FieldTree, members, showPath } from './field-set.ts'
import type { Manager } from './managed.ts'

export interface Conflict {
  owner: Manager
  fields: FieldTree
}

/** The answer to an apply that would take fields from other managers (source: managedfields/internal/conflict.go). */
export function applyConflictError(conflicts: readonly Conflict[]): StatusError {
  const sorted = [...conflicts].sort((a, b) => (showManager(a.owner) < showManager(b.owner) ? -1 : 1))
  const single = sorted.flatMap(({ owner, fields }) => members(fields).map((path) => ({ owner: showManager(owner), path: showPath(path) })))
  return new StatusError(409, 'Conflict', message(single), {
    causes: single.map(({ owner, path }) => ({ reason: 'FieldManagerConflict', message: `conflict with ${owner}`, field: path })),
  })
}

function message(conflicts: readonly { owner: string; path: string }[]): string {
  if (conflicts.length === 1) return `Apply failed with 1 conflict: conflict with ${conflicts[0]!.owner}: ${conflicts[0]!.path}`
  const lines: string[] = []
  let last = ''
  for (const { owner, path } of conflicts) {
    if (owner !== last) lines.push(`conflicts with ${owner}:`)
    last = owner
    lines.push(`- ${path}`)
  }
  return `Apply failed with ${conflicts.length} conflicts: ${lines.join('\n')}`
}

function showManager({ manager, subresource, operation, apiVersion }: Manager): string {
  const name = JSON.stringify(manager) + (subresource === '' ? '' : ` with subresource ${JSON.stringify(subresource)}`)
  return operation === 'Update' ? `${name} using ${apiVersion}` : name
}
