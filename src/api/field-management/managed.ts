// The entries of metadata.managedFields (source: k8s.io/apimachinery/pkg/util/managedfields).
import type { ManagedFieldsEntry } from '../generated/types.ts'
import { type FieldTree, isEmptySet, isFieldTree, leaf, setOfPaths, sortedSet, union } from './field-set.ts'

export interface Manager {
  readonly manager: string
  readonly operation: 'Apply' | 'Update'
  readonly apiVersion: string
  readonly subresource: string
  readonly time: string | undefined
  readonly fields: FieldTree
  /** Where it was read from, while nothing has changed it. */
  readonly entry?: ManagedFieldsEntry
}

/** By identity: name, operation and subresource, for updates also the version. */
export type Managers = Map<string, Manager>

export const identityOf = ({ manager, operation, apiVersion, subresource }: Omit<Manager, 'time' | 'fields'>): string =>
  JSON.stringify([manager, operation, operation === 'Apply' ? '' : apiVersion, subresource])

/** Undefined when the entries make no sense. */
export function readManagers(entries: readonly ManagedFieldsEntry[] | undefined): Managers | undefined {
  const managers: Managers = new Map()
  for (const entry of entries ?? []) {
    const { operation, apiVersion, fieldsType } = entry
    if ((operation !== 'Apply' && operation !== 'Update') || !apiVersion || fieldsType !== 'FieldsV1') return undefined
    const fields = entry.fieldsV1 ?? leaf
    if (!isFieldTree(fields)) return undefined
    const manager: Manager = {
      manager: entry.manager ?? '', operation, apiVersion, subresource: entry.subresource ?? '', time: entry.time ?? undefined, fields, entry,
    }
    managers.set(identityOf(manager), manager)
  }
  return managers
}

export function writeManagers(managers: Managers): ManagedFieldsEntry[] {
  return [...managers.values()].sort(byAge).map((m) => m.entry ?? writeManager(m))
}

const writeManager = (m: Manager): ManagedFieldsEntry => ({
  ...(m.manager === '' ? {} : { manager: m.manager }),
  operation: m.operation,
  apiVersion: m.apiVersion,
  ...(m.time === undefined ? {} : { time: m.time }),
  fieldsType: 'FieldsV1',
  fieldsV1: sortedSet(m.fields),
  ...(m.subresource === '' ? {} : { subresource: m.subresource }),
})

const order = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)
const byAge = (a: Manager, b: Manager): number =>
  order(a.operation, b.operation) || order(a.time ?? '', b.time ?? '') || order(a.manager, b.manager) || order(a.apiVersion, b.apiVersion) || order(a.subresource, b.subresource)

/** An empty list, or a list of one empty entry, asks to forget all managers. */
export function asksForReset(entries: readonly ManagedFieldsEntry[] | undefined): boolean {
  if (!entries) return false
  return entries.length === 0 || (entries.length === 1 && Object.keys(entries[0]!).length === 0)
}

/** Fields that nobody owns. */
export const unowned: FieldTree = {
  'f:apiVersion': leaf, 'f:kind': leaf,
  'f:metadata': { '.': leaf, ...setOfPaths(['name', 'namespace', 'creationTimestamp', 'selfLink', 'uid', 'clusterName', 'generation', 'managedFields', 'resourceVersion']) },
}

const mostUpdaters = 10

/** Merges the oldest updaters of a version into one entry until no more than ten are left. */
export function capUpdaters(managers: Managers): void {
  const updaters = [...managers.entries()].filter(([, m]) => m.operation === 'Update').sort(([a, x], [b, y]) => order(x.time ?? '', y.time ?? '') || order(a, b))
  let count = updaters.length
  const first = new Map<string, string>()
  for (const [identity, updater] of updaters) {
    if (count <= mostUpdaters) return
    const { apiVersion } = updater
    const oldest = first.get(apiVersion)
    if (oldest === undefined) {
      first.set(apiVersion, identity)
      continue
    }
    const bucket = { manager: 'ancient-changes', operation: 'Update', apiVersion, subresource: '' } as const
    const key = identityOf(bucket)
    const old = managers.get(key) ?? managers.get(oldest)!
    managers.delete(oldest)
    managers.delete(identity)
    managers.set(key, { ...bucket, time: updater.time, fields: union(updater.fields, old.fields) })
    count--
  }
}

export const dropEmpty = (managers: Managers): void => {
  for (const [identity, { fields }] of managers) if (isEmptySet(fields)) managers.delete(identity)
}
