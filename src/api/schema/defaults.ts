// Gives fields that are absent, or zero where Go cannot tell the two apart, their static default. Changes the object in place.
import { copy } from '../patch/copy.ts'
import { type Schema, type StructSchema, isEmpty, zeroOf } from './schema.ts'

type Tree = Record<string, unknown>

export function applyDefaults(schema: StructSchema, object: object): void {
  const target = object as Tree
  for (const field of schema.defaulted) {
    const present = target[field.name]
    if (field.default !== undefined && (field.pointer ? present === undefined || present === null : isEmpty(present))) target[field.name] = preset(field.schema, field.default)
    const value = target[field.name]
    if (value !== undefined && value !== null) descend(field.schema, value)
  }
}

const preset = (schema: Schema, value: unknown): unknown =>
  schema.kind === 'struct' ? { ...(zeroOf(schema) as Tree), ...(value as Tree) } : typeof value === 'object' ? copy(value) : value

function descend(schema: Schema, value: unknown): void {
  if (schema.kind === 'struct') return applyDefaults(schema, value as Tree)
  if (schema.kind === 'list') for (const item of value as unknown[]) descend(schema.items, item)
  if (schema.kind === 'map') for (const item of Object.values(value as Tree)) descend(schema.values, item)
}
