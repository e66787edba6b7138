// What is known about the shape of an object: enough to decode it as Go would, to default it, to merge it and to say who owns which field.
// Built-in kinds come from the fact table (facts.ts), custom ones are compiled from their OpenAPI schema.

export type ScalarKind =
  | 'string' | 'bool' | 'int32' | 'int64' | 'uint32' | 'uint64' | 'float64' | 'bytes' | 'time' | 'microtime' | 'duration' | 'intOrString' | 'quantity'

export interface ScalarSchema {
  readonly kind: ScalarKind
  /** As Go names it in messages: `v1.PullPolicy`. */
  readonly goType: string
}

/** Any JSON; `preserved` data such as RawExtension, FieldsV1 and custom resources' unknown fields. */
interface AnySchema {
  readonly kind: 'any'
  readonly goType: string
}

interface ListSchema {
  readonly kind: 'list'
  readonly items: Schema
  /** How server-side apply merges it: as one value, as a set of scalars, or as a map by `keys`. */
  readonly listType: 'atomic' | 'set' | 'map'
  readonly keys: readonly string[]
  readonly goType: string
}

interface MapSchema {
  readonly kind: 'map'
  readonly values: Schema
  readonly atomic: boolean
  readonly goType: string
}

export interface StructSchema {
  readonly kind: 'struct'
  /** Of the definition in the OpenAPI document; empty for nested schemas of custom resources. */
  readonly name: string
  readonly goType: string
  readonly atomic: boolean
  /** In the order in which Go writes them. */
  readonly fields: readonly Field[]
  readonly byName: ReadonlyMap<string, Field>
  /** Fields that have defaults, or contain such. */
  readonly defaulted: readonly Field[]
  /** Fields that are written even when they are zero. */
  readonly always: readonly Field[]
  /** Unknown fields are kept. */
  readonly preserveUnknown: boolean
}

export type Schema = ScalarSchema | AnySchema | ListSchema | MapSchema | StructSchema

export interface Field {
  readonly name: string
  readonly schema: Schema
  /** A Go pointer: zero is a value of its own. */
  readonly pointer: boolean
  /** Written also when it has the zero value. */
  readonly always: boolean
  readonly required: boolean
  readonly default?: unknown
  readonly enum?: readonly string[]
  /** Of strategic merge patch: `merge`, `replace`, `retainKeys`. */
  readonly patchStrategy: readonly string[]
  readonly patchMergeKey?: string
  /** Field numbers on the way to it (more than one where Go embeds a struct); the wire type when it is neither varint nor bytes. */
  readonly protobuf: string
}

/** The value Go's zero value is written as. */
export function zeroOf(schema: Schema): unknown {
  switch (schema.kind) {
    case 'struct': return Object.fromEntries(schema.always.map((f) => [f.name, f.pointer ? null : zeroOf(f.schema)]))
    case 'list': return []
    case 'map': return {}
    case 'string': case 'bytes': return ''
    case 'bool': return false
    case 'quantity': return '0'
    case 'duration': return '0s'
    case 'time': case 'microtime': case 'any': return null
    default: return 0
  }
}

/** What `omitempty` leaves out. */
export function isEmpty(value: unknown): boolean {
  if (typeof value === 'object' && value !== null) {
    if (Array.isArray(value)) return value.length === 0
    for (const _ in value) return false
    return true
  }
  return value === '' || value === 0 || value === false || value === null || value === undefined
}
