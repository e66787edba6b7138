import type { Schema } from './schema.ts'

const mostReported = 100

/** The fields of `value` that `schema` does not have, each as in `unknown field "spec.containers[0].foo"`, in the order of the text. */
export function findUnknownFields(schema: Schema, value: unknown): string[] {
  const found: string[] = []
  walk(schema, value, '', found)
  return found.slice(0, mostReported).map((path) => `unknown field ${JSON.stringify(path)}`)
}

function walk(schema: Schema, value: unknown, path: string, found: string[]): void {
  if (typeof value !== 'object' || value === null || schema.kind === 'any') return
  if (Array.isArray(value)) {
    if (schema.kind === 'list') value.forEach((item, i) => walk(schema.items, item, `${path}[${i}]`, found))
    return
  }
  for (const [key, item] of Object.entries(value)) {
    const at = path === '' ? key : `${path}.${key}`
    if (schema.kind === 'map') walk(schema.values, item, at, found)
    if (schema.kind !== 'struct' || item === undefined) continue
    const field = schema.byName.get(key)
    if (field) walk(field.schema, item, at, found)
    else if (!schema.preserveUnknown) found.push(at)
  }
}
