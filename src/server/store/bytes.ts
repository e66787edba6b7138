// Objects as bytes. Stored: the storage version in JSON, `kind` and `apiVersion` first, then `metadata`, without `resourceVersion`. So the
// served bytes of the storage version are the stored ones with the revision spliced in behind a head of known length, nothing is parsed.
import { stringify } from '../../api/codec/json.ts'
import type { KubeObject } from '../../api/object.ts'
import type { Entry } from '../cache/types.ts'
import type { ServedResource } from '../registry.ts'

const heads = new WeakMap<ServedResource, number>()
const listItemHead = '{"metadata":{'

function headLength(resource: ServedResource): number {
  let length = heads.get(resource)
  if (length === undefined) {
    length = Buffer.byteLength(`{"kind":${JSON.stringify(resource.definition.kind)},"apiVersion":${JSON.stringify(resource.storageApiVersion)},"metadata":{`)
    heads.set(resource, length)
  }
  return length
}

/** @param object in the storage version. */
export function encodeStored(object: KubeObject): Buffer {
  const { kind, apiVersion, metadata, ...rest } = object
  const { resourceVersion: _, ...kept } = metadata ?? {}
  return lastingBuffer(stringify({ kind, apiVersion, metadata: kept, ...rest }))
}

/** Memory of its own: a small buffer of Node's is a part of a 64 kB pool, and would keep all of it for as long as the object is remembered. */
function lastingBuffer(text: string): Buffer {
  const bytes = Buffer.allocUnsafeSlow(Buffer.byteLength(text))
  bytes.write(text)
  return bytes
}

/** The object as it is answered alone. Only for the storage version. */
export function servedBytes(resource: ServedResource, { value, revision }: Entry): Buffer {
  const head = headLength(resource)
  const field = `"resourceVersion":"${revision}",`
  const out = Buffer.allocUnsafe(value.length + field.length)
  value.copy(out, 0, 0, head)
  out.write(field, head, 'latin1')
  value.copy(out, head + field.length, head)
  return out
}

/** An upper bound of what `writeListItem` writes. */
export const listItemBound = (entry: Entry): number => entry.value.length + 64

/** Writes the object as an item of a list, where upstream leaves out `kind` and `apiVersion`. Only for the storage version. @returns the new offset. */
export function writeListItem(resource: ServedResource, { value, revision }: Entry, out: Buffer, offset: number): number {
  const written = offset + out.write(`${listItemHead}"resourceVersion":"${revision}",`, offset, 'latin1')
  return written + value.copy(out, written, headLength(resource))
}

/** A mutable copy of JSON data. */
export function clone<T>(value: T): T {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map(clone) as T
  const out: Record<string, unknown> = {}
  for (const key in value) {
    if (key === '__proto__') Object.defineProperty(out, key, { value: clone(value[key]), enumerable: true, writable: true, configurable: true })
    else out[key] = clone(value[key])
  }
  return out as T
}

/** Equality of JSON data, whatever the order of keys. */
export function equal(a: unknown, b: unknown): boolean {
  if (a === b) return true
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null || Array.isArray(a) !== Array.isArray(b)) return false
  const [x, y] = [a as Record<string, unknown>, b as Record<string, unknown>]
  const keys = Object.keys(x)
  return keys.length === Object.keys(y).length && keys.every((key) => key in y && equal(x[key], y[key]))
}
