// How server-side apply sees a value: as one leaf, or field by field, or item by item.
import { stringify } from '../codec/json.ts'
import { type Schema, isEmpty, zeroOf } from '../schema/schema.ts'

export type Tree = Record<string, unknown>

const nothing = (value: unknown): boolean => value === undefined || value === null || (typeof value === 'object' && isEmpty(value))

/** Whether the value is owned as a whole. */
export function isAtomic(schema: Schema): boolean {
  if (schema.kind === 'list') return schema.listType === 'atomic'
  return schema.kind === 'struct' || schema.kind === 'map' ? schema.atomic : true
}

/** Whether two values are compared as wholes; two empty ones are, so that empty and absent stay apart. */
export const asLeaves = (schema: Schema, left: unknown, right: unknown): boolean => isAtomic(schema) || (nothing(left) && nothing(right))

export const isTree = (value: unknown): value is Tree => typeof value === 'object' && value !== null && !Array.isArray(value)
export const treeOf = (value: unknown): Tree => (isTree(value) ? value : {})
export const listOf = (value: unknown): unknown[] => (Array.isArray(value) ? value : [])

const any: Schema = { kind: 'any', goType: 'interface {}' }

export const isNamedField = (schema: Schema, name: string): boolean => schema.kind === 'struct' && schema.byName.has(name)

export function fieldSchema(schema: Schema, name: string): Schema {
  if (schema.kind === 'map') return schema.values
  return (schema.kind === 'struct' && schema.byName.get(name)?.schema) || any
}

const itemSchema = (schema: Schema): Schema => (schema.kind === 'list' ? schema.items : any)

/** The schema one step down a path. */
export const childSchema = (schema: Schema, element: string): Schema => (element.startsWith('f:') ? fieldSchema(schema, element.slice(2)) : itemSchema(schema))

/** The path element of an item: its keys (with their defaults), or its value. */
export function itemElement(schema: Extract<Schema, { kind: 'list' }>, item: unknown): string {
  if (schema.listType === 'set') return `v:${stringify(item)}`
  const source = treeOf(item)
  const parts: string[] = []
  for (const key of [...schema.keys].sort()) {
    const value = source[key] ?? keyDefault(schema.items, key)
    if (value !== undefined) parts.push(`${JSON.stringify(key)}:${stringify(value)}`)
  }
  return `k:{${parts.join(',')}}`
}

function keyDefault(schema: Schema, key: string): unknown {
  const field = schema.kind === 'struct' ? schema.byName.get(key) : undefined
  return field?.default ?? (field?.always && !field.pointer ? zeroOf(field.schema) : undefined)
}

/** Items by path element, in order; more than one where an element occurs more than once. */
export function itemsByElement(schema: Extract<Schema, { kind: 'list' }>, value: unknown): Map<string, unknown[]> {
  const items = new Map<string, unknown[]>()
  for (const item of listOf(value)) {
    const element = itemElement(schema, item)
    const same = items.get(element)
    if (same) same.push(item)
    else items.set(element, [item])
  }
  return items
}
