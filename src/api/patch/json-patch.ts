// RFC 6902 as upstream applies it. The document is not changed: what a patch touches is copied.
import { define } from '../codec/json-reader.ts'
import { stringify } from '../codec/json.ts'
import { badRequestError, tooLargeError } from '../status-error.ts'
import { copy } from './copy.ts'
import { deepEqual } from './deep-equal.ts'
import { jsonPatchFailed } from './errors.ts'
import { goTypeName } from './go-words.ts'

interface Operation {
  op: string
  path?: string
  from?: string
  value?: unknown
}

const mostOperations = 10_000
// A short patch must not make a huge object by copying.
const mostCopied = 3 * 1024 * 1024

/** @throws StatusError 400 when the patch is malformed, 413 when it is too long, 422 when it does not apply. */
export function applyJsonPatch<T>(document: T, patch: unknown): T {
  if (!Array.isArray(patch)) throw badRequestError(`error decoding patch: json: cannot unmarshal ${goTypeName(patch)} into Go value of type []handlers.jsonPatchOp`)
  if (patch.length > mostOperations) throw tooLargeError(`The allowed maximum operations in a JSON patch is ${mostOperations}, got ${patch.length}`)
  const root: Root = { value: copy(document), copied: 0 }
  for (const operation of patch as Operation[]) applyOperation(root, operation ?? {})
  return root.value as T
}

interface Root {
  value: unknown
  /** Bytes that `copy` has added. */
  copied: number
}

function applyOperation(root: Root, { op, path, from, value = null }: Operation): void {
  if (typeof path !== 'string') throw jsonPatchFailed()
  if (op === 'add') return add(root, path, value)
  if (op === 'remove') return remove(root, path)
  if (op === 'replace') return replace(root, path, value)
  if (op === 'test') {
    if (!deepEqual(read(root, path) ?? null, value)) throw jsonPatchFailed()
    return
  }
  if (typeof from !== 'string') throw jsonPatchFailed()
  if (op === 'copy') return add(root, path, copyOf(root, read(root, from) ?? null))
  if (op !== 'move') throw jsonPatchFailed()
  const moved = read(root, from)
  remove(root, from)
  add(root, path, moved)
}

function copyOf(root: Root, value: unknown): unknown {
  root.copied += stringify(value).length
  if (root.copied > mostCopied) throw jsonPatchFailed()
  return copy(value)
}

type Container = Record<string, unknown> | unknown[]

const parts = (path: string): string[] => path.split('/').slice(1).map((p) => p.replaceAll('~1', '/').replaceAll('~0', '~'))
const isContainer = (value: unknown): value is Container => typeof value === 'object' && value !== null

function locate(root: Root, path: string): { parent: Container; key: string } {
  const steps = parts(path)
  const key = steps.pop()
  if (key === undefined) throw jsonPatchFailed()
  let parent = root.value
  for (const step of steps) parent = isContainer(parent) ? child(parent, step) : undefined
  if (!isContainer(parent)) throw jsonPatchFailed()
  return { parent, key }
}

function child(parent: Container, key: string): unknown {
  if (Array.isArray(parent)) return parent[index(parent, key)]
  return Object.hasOwn(parent, key) ? parent[key] : undefined
}

// A negative index counts from the end, as upstream's library allows.
function index(list: unknown[], key: string, forInsert = false): number {
  if (forInsert && key === '-') return list.length
  if (!/^-?\d+$/.test(key)) throw jsonPatchFailed()
  const size = list.length + (forInsert ? 1 : 0)
  const at = Number(key) < 0 ? Number(key) + size : Number(key)
  if (at < 0 || at >= size) throw jsonPatchFailed()
  return at
}

function read(root: Root, path: string): unknown {
  if (path === '') return root.value
  const { parent, key } = locate(root, path)
  return child(parent, key)
}

function add(root: Root, path: string, value: unknown): void {
  const { parent, key } = locate(root, path)
  if (Array.isArray(parent)) parent.splice(index(parent, key, true), 0, value)
  else define(parent, key, value)
}

function remove(root: Root, path: string): void {
  const { parent, key } = locate(root, path)
  if (Array.isArray(parent)) parent.splice(index(parent, key), 1)
  else if (!Object.hasOwn(parent, key)) throw jsonPatchFailed()
  else delete parent[key]
}

function replace(root: Root, path: string, value: unknown): void {
  if (path === '') {
    if (!isContainer(value)) throw jsonPatchFailed()
    root.value = value
    return
  }
  const { parent, key } = locate(root, path)
  if (Array.isArray(parent)) parent[index(parent, key)] = value
  else define(parent, key, value)
}
