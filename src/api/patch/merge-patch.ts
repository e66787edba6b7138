// RFC 7386. Neither argument is changed; the result may share parts with both.
import { define } from '../codec/json-reader.ts'
import { badRequestError } from '../status-error.ts'
import { goTypeName } from './go-words.ts'

type Tree = Record<string, unknown>

const isTree = (value: unknown): value is Tree => typeof value === 'object' && value !== null && !Array.isArray(value)

/** @throws StatusError 400 when the patch is no object. */
export function applyMergePatch<T>(document: T, patch: unknown): T {
  if (!isTree(patch)) throw badRequestError(`error decoding patch: json: cannot unmarshal ${goTypeName(patch)} into Go value of type map[string]interface {}`)
  return merge(document, patch) as T
}

function merge(target: unknown, patch: unknown): unknown {
  if (!isTree(patch)) return patch
  const result: Tree = isTree(target) ? { ...target } : {}
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key]
    else define(result, key, merge(Object.hasOwn(result, key) ? result[key] : undefined, value))
  }
  return result
}
