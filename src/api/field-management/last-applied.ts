// The annotation in which kubectl keeps what it applied from the client's side.
import type { KubeObject } from '../object.ts'
import { stringify } from '../codec/json.ts'
import type { StructSchema } from '../schema/schema.ts'
import { compare, fieldSetOf } from './compare.ts'
import { type FieldTree, difference, leaf, union } from './field-set.ts'

const annotation = 'kubectl.kubernetes.io/last-applied-configuration'

const lastApplied = (object: KubeObject): string | undefined => object.metadata?.annotations?.[annotation]

/** The fields that kubectl applied last and that are still as it left them. */
export function lastAppliedFields(schema: StructSchema, live: KubeObject, apiVersion: string): FieldTree {
  const applied = parse(lastApplied(live))
  if (applied?.apiVersion !== apiVersion) return leaf
  const { modified, added } = compare(schema, applied, live)
  return difference(fieldSetOf(schema, applied), union(modified, added))
}

function parse(text: string | undefined): KubeObject | undefined {
  try {
    return text === undefined ? undefined : (JSON.parse(text) as KubeObject)
  } catch {
    return undefined
  }
}

/** Keeps the annotation, where there is one, in step with what is applied now. */
export function syncLastApplied(object: KubeObject, applied: KubeObject): void {
  if (lastApplied(object) === undefined) return
  const { [annotation]: _, ...annotations } = applied.metadata?.annotations ?? {}
  const { annotations: __, ...metadata } = applied.metadata ?? {}
  const copy = { ...applied, metadata: Object.keys(annotations).length ? { ...metadata, annotations } : metadata }
  object.metadata!.annotations![annotation] = `${stringify(sorted(copy))}\n`
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, item]) => [key, sorted(item)]))
}
