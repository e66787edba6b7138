// Decodes a JSON value as Go decodes it into its struct and writes it again: types are checked, unknown fields dropped, nulls are zero values,
// `omitempty` leaves out what is zero, quantities and times are in canonical form, fields in the struct's order and maps sorted.
// So equal objects have equal bytes. The input is not changed and nothing of it is kept but preserved (`any`) data.
import { define } from '../codec/json-reader.ts'
import type { KubeObject } from '../object.ts'
import { ScalarError, jsonType, readScalar } from './scalars.ts'
import { type Field, type Schema, type StructSchema, isEmpty, zeroOf } from './schema.ts'
import { findUnknownFields } from './unknown.ts'

interface Decoded<T = KubeObject> {
  object: T
  /** As in `unknown field "spec.foo"`, in the order of the text. */
  unknown: string[]
  /** At most one, as Go reports it: `json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32`. */
  errors: string[]
}

type Tree = Record<string, unknown>

interface Progress {
  path: string[]
  structs: StructSchema[]
  unknown: boolean
}

class DecodeError extends Error {}

export function decodeStrict<T = KubeObject>(schema: StructSchema, value: unknown): Decoded<T> {
  const progress: Progress = { path: [], structs: [], unknown: false }
  try {
    const object = value === null || value === undefined ? (zeroOf(schema) as Tree) : readStruct(schema, value, progress)
    return { object: object as T, unknown: progress.unknown ? findUnknownFields(schema, value) : [], errors: [] }
  } catch (error) {
    if (error instanceof DecodeError) return { object: {} as T, unknown: [], errors: [error.message] }
    throw error
  }
}

/**
 * The same object in canonical form: fields in order, maps sorted, nothing that is left out when zero. To be stored bytes an object goes through
 * this last, after defaults and hooks, so that a write that changes nothing is seen to change nothing.
 */
export function canonical<T>(schema: StructSchema, object: T): T {
  const { object: result, errors } = decodeStrict<T>(schema, object)
  if (errors[0] !== undefined) throw new Error(errors[0])
  return result
}

function read(schema: Schema, value: unknown, progress: Progress): unknown {
  switch (schema.kind) {
    case 'struct': return readStruct(schema, value, progress)
    case 'list': {
      if (!Array.isArray(value)) return mismatch(jsonType(value), schema.goType, progress)
      const items: unknown[] = []
      for (const item of value) items.push(item === null || item === undefined ? zeroOf(schema.items) : read(schema.items, item, progress))
      return items
    }
    case 'map': return readMap(schema.values, schema.goType, value, progress)
    case 'any': return value
    case 'string':
      if (typeof value === 'string') return value
      return mismatch(jsonType(value), schema.goType, progress)
    default:
      try {
        return readScalar(schema, value)
      } catch (error) {
        if (!(error instanceof ScalarError)) throw error
        if (error.what === undefined) throw new DecodeError(error.message)
        return mismatch(error.what, schema.goType, progress)
      }
  }
}

function readStruct(schema: StructSchema, value: unknown, progress: Progress): Tree {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return mismatch(jsonType(value), schema.goType, progress)
  const source = value as Tree
  const result: Tree = {}
  let met = 0
  progress.structs.push(schema)
  const { fields } = schema
  for (let i = 0; i < fields.length; i++) {
    const field = fields[i]!
    const raw = source[field.name]
    if (raw === undefined || raw === null) {
      if (raw === null) met++
      if (field.always) result[field.name] = field.pointer ? null : zeroOf(field.schema)
      continue
    }
    met++
    readField(field, raw, result, progress)
  }
  progress.structs.pop()
  if (met !== countFields(source)) progress.unknown = true
  return result
}

function readField(field: Field, raw: unknown, result: Tree, progress: Progress): void {
  progress.path.push(field.name)
  const read_ = read(field.schema, raw, progress)
  progress.path.pop()
  if (field.always || field.pointer ? read_ !== undefined : field.schema.kind === 'struct' || !isEmpty(read_)) result[field.name] = read_
}

function countFields(source: Tree): number {
  let count = 0
  for (const _ in source) count++
  return count
}

function readMap(values: Schema, goType: string, value: unknown, progress: Progress): Tree {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return mismatch(jsonType(value), goType, progress)
  const source = value as Tree
  const result: Tree = {}
  for (const key of sortedKeys(source)) {
    const item = source[key]
    if (item === undefined) continue
    const read_ = item === null ? zeroOf(values) : read(values, item, progress)
    if (key === '__proto__') define(result, key, read_)
    else result[key] = read_
  }
  return result
}

function sortedKeys(source: Tree): string[] {
  const keys = Object.keys(source)
  for (let i = 1; i < keys.length; i++) if (keys[i - 1]! > keys[i]!) return keys.sort()
  return keys
}

function mismatch(what: string, goType: string, { path, structs }: Progress): never {
  const owner = structs.at(-1)
  const target = owner && path.length ? `struct field ${owner.goType.split('.').pop()}.${path.join('.')} of type ${goType}` : `value of type ${goType}`
  throw new DecodeError(`json: cannot unmarshal ${what} into Go ${target}`)
}
