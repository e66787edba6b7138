import { define } from '../codec/json-reader.ts'

/** A deep copy of JSON data; many times quicker than `structuredClone`. */
export function copy<T>(value: T): T {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map(copy) as T
  const result: Record<string, unknown> = {}
  for (const [key, item] of Object.entries(value)) define(result, key, copy(item))
  return result as T
}
