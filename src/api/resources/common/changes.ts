import { equal } from './equal.ts'

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null

function* differences(path: string, before: unknown, after: unknown): Generator<string> {
  if (equal(before, after)) return
  if (!isObject(before) || !isObject(after) || Array.isArray(before) !== Array.isArray(after)) {
    return yield `${path}: ${JSON.stringify(before) ?? 'unset'} -> ${JSON.stringify(after) ?? 'unset'}`
  }
  for (const key of new Set([...Object.keys(before), ...Object.keys(after)])) {
    yield* differences(Array.isArray(before) ? `${path}[${key}]` : `${path}.${key}`, before[key], after[key])
  }
}

/** What differs, a line for each field, for messages that refuse a change. */
export const changesText = (path: string, before: unknown, after: unknown): string => [...differences(path, before, after)].join('\n')
