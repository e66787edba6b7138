// Reads Kubernetes' protobuf encoding (source: k8s.io/apimachinery/pkg/runtime/serializer/protobuf): a magic number, an envelope that
// names the kind, and the message. The result is what the same object would be in JSON. The field numbers are in the schema tables.
import { badRequestError } from '../status-error.ts'
import { schemas } from '../schema/registry.ts'
import type { Field, Schema, StructSchema } from '../schema/schema.ts'
import { parseJson } from './json.ts'

export const protobufType = 'application/vnd.kubernetes.protobuf'

const magic = Buffer.from([0x6b, 0x38, 0x73, 0x00])

/** @throws StatusError 400 */
export function parseProtobuf(bytes: Buffer): unknown {
  if (!bytes.subarray(0, 4).equals(magic)) throw badRequestError('provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]')
  const { apiVersion, kind, raw } = readEnvelope(bytes.subarray(4))
  const schema = schemas.ofKind(apiVersion, kind) ?? metaSchema(kind)
  if (!schema) throw badRequestError(`no kind ${JSON.stringify(kind)} is registered for version ${JSON.stringify(apiVersion)} in scheme "pkg/runtime/scheme.go:111"`)
  return { kind, apiVersion, ...readMessage(schema, raw) }
}

/** Options travel under the group version of the client that sends them. */
function metaSchema(kind: string): StructSchema | undefined {
  return /^\w+Options$/.test(kind) ? schemas.definition(`io.k8s.apimachinery.pkg.apis.meta.v1.${kind}`) : undefined
}

/** One field of a message: a number or bigint for varints, eight bytes for doubles, else the bytes. */
interface Token {
  number: number
  value: bigint | Buffer
}

const truncated = () => badRequestError('unexpected EOF')

function* tokens(bytes: Buffer): Generator<Token> {
  let at = 0
  const varint = (): bigint => {
    let value = 0n
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = bytes[at++]
      if (byte === undefined) throw truncated()
      value |= BigInt(byte & 0x7f) << shift
      if (byte < 0x80) return BigInt.asUintN(64, value)
    }
    throw badRequestError('proto: integer overflow')
  }
  const take = (length: number): Buffer => {
    if (at + length > bytes.length) throw truncated()
    at += length
    return bytes.subarray(at - length, at)
  }
  while (at < bytes.length) {
    const key = Number(varint())
    const [number, wireType] = [key >>> 3, key & 7]
    if (wireType === 0) yield { number, value: varint() }
    else if (wireType === 1) yield { number, value: take(8) }
    else if (wireType === 2) yield { number, value: take(Number(varint())) }
    else if (wireType === 5) yield { number, value: take(4) }
    else throw badRequestError(`proto: illegal wireType ${wireType}`)
  }
}

function readEnvelope(bytes: Buffer): { apiVersion: string; kind: string; raw: Buffer } {
  const envelope: { apiVersion: string; kind: string; raw: Buffer } = { apiVersion: '', kind: '', raw: Buffer.alloc(0) }
  for (const { number, value } of tokens(bytes)) {
    if (number === 2) envelope.raw = asBytes(value)
    if (number !== 1) continue
    for (const inner of tokens(asBytes(value))) {
      if (inner.number === 1) envelope.apiVersion = asText(inner.value)
      if (inner.number === 2) envelope.kind = asText(inner.value)
    }
  }
  return envelope
}

/** Fields by number; a struct that Go embeds is a message of its own whose fields belong to the outer object. */
type Layout = Map<number, Field | Layout>

const layouts = new WeakMap<StructSchema, Layout>()

function layoutOf(schema: StructSchema): Layout {
  let layout = layouts.get(schema)
  if (!layout) {
    layouts.set(schema, (layout = new Map()))
    for (const field of schema.fields) place(layout, field.protobuf.split('.').map(Number), field)
  }
  return layout
}

function place(layout: Layout, [number, ...rest]: number[], field: Field): void {
  if (rest.length === 0) return void layout.set(number!, field)
  let inner = layout.get(number!)
  if (!(inner instanceof Map)) layout.set(number!, (inner = new Map()))
  place(inner, rest, field)
}

type Tree = Record<string, unknown>

function readMessage(schema: StructSchema, bytes: Buffer): Tree {
  const target: Tree = {}
  readInto(target, layoutOf(schema), bytes)
  return target
}

function readInto(target: Tree, layout: Layout, bytes: Buffer): void {
  for (const { number, value } of tokens(bytes)) {
    const field = layout.get(number)
    if (field instanceof Map) readInto(target, field, asBytes(value))
    else if (field) add(target, field, value)
  }
}

function add(target: Tree, { name, schema }: Field, value: Token['value']): void {
  if (schema.kind === 'list') {
    const list = (target[name] ??= []) as unknown[]
    list.push(read(schema.items, value))
  } else if (schema.kind === 'map') {
    const map = (target[name] ??= {}) as Tree
    const entry = readEntry(schema.values, asBytes(value))
    Object.defineProperty(map, entry.key, { value: entry.value, enumerable: true, configurable: true, writable: true })
  } else target[name] = read(schema, value)
}

function readEntry(values: Schema, bytes: Buffer): { key: string; value: unknown } {
  let key = ''
  let value: Token['value'] | undefined
  for (const token of tokens(bytes)) {
    if (token.number === 1) key = asText(token.value)
    if (token.number === 2) value = token.value
  }
  return { key, value: read(values, value ?? Buffer.alloc(0)) }
}

function read(schema: Schema, value: Token['value']): unknown {
  switch (schema.kind) {
    case 'struct': return readMessage(schema, asBytes(value))
    // Go names such lists, and protobuf wraps them: a message with the items as its field 1.
    case 'list': return Array.from(tokens(asBytes(value)), (token) => read(schema.items, token.value))
    case 'string': return asText(value)
    case 'bool': return value === 1n
    case 'int32': return Number(BigInt.asIntN(32, asInteger(value)))
    case 'int64': return plain(BigInt.asIntN(64, asInteger(value)))
    case 'uint32': case 'uint64': return plain(asInteger(value))
    case 'float64': return asBytes(value).readDoubleLE(0)
    case 'bytes': return asBytes(value).toString('base64')
    case 'any': return readAny(asBytes(value))
    default: return readSpecial(schema.kind, asBytes(value))
  }
}

/** RawExtension, FieldsV1 and such: JSON in field 1. */
function readAny(bytes: Buffer): unknown {
  for (const { number, value } of tokens(bytes)) if (number === 1) return parseJson(asBytes(value)).value
  return undefined
}

function readSpecial(kind: 'time' | 'microtime' | 'duration' | 'intOrString' | 'quantity' | 'map', bytes: Buffer): unknown {
  const fields = new Map<number, Token['value']>()
  for (const { number, value } of tokens(bytes)) fields.set(number, value)
  const integer = (number: number) => BigInt.asIntN(64, asInteger(fields.get(number) ?? 0n))
  switch (kind) {
    case 'quantity': return asText(fields.get(1) ?? Buffer.alloc(0))
    case 'intOrString': return integer(1) === 0n ? Number(BigInt.asIntN(32, integer(2))) : asText(fields.get(3) ?? Buffer.alloc(0))
    case 'duration': return `${Number(integer(1)) / 1e9}s`
    default: return readTime(Number(integer(1)), Number(integer(2)), kind === 'microtime')
  }
}

function readTime(seconds: number, nanos: number, micro: boolean): string | null {
  if (seconds === 0 && nanos === 0) return null
  const whole = new Date(seconds * 1000).toISOString().slice(0, 19)
  return micro ? `${whole}.${String(Math.floor(nanos / 1000)).padStart(6, '0')}Z` : `${whole}Z`
}

const plain = (value: bigint): number | bigint => (value >= -9007199254740991n && value <= 9007199254740991n ? Number(value) : value)
const asBytes = (value: Token['value']): Buffer => (typeof value === 'bigint' ? Buffer.alloc(0) : value)
const asText = (value: Token['value']): string => asBytes(value).toString('utf8')
const asInteger = (value: Token['value']): bigint => (typeof value === 'bigint' ? value : 0n)
