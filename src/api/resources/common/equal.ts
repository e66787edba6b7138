const empty = (value: unknown): boolean =>
  value === undefined || value === null || (Array.isArray(value) ? value.length === 0 : typeof value === 'object' && Object.keys(value).length === 0)

/** Equality of JSON values as upstream sees it: a field that is absent equals one that is undefined, null or an empty list or map. */
export function equal(a: unknown, b: unknown): boolean {
  if (a === b) return true
  if (empty(a) && empty(b)) return true
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null || Array.isArray(a) !== Array.isArray(b)) return false
  if (Array.isArray(a)) return a.length === (b as unknown[]).length && a.every((item, index) => equal(item, (b as unknown[])[index]))
  const left = a as Record<string, unknown>
  const right = b as Record<string, unknown>
  return Object.keys(left).every((key) => equal(left[key], right[key])) && Object.keys(right).every((key) => key in left || empty(right[key]))
}
