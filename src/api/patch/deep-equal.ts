/** Whether two JSON values are the same; the order of keys does not matter, an undefined field is none. */
export function deepEqual(a: unknown, b: unknown): boolean {
  if (a === b) return true
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false
  if (Array.isArray(a)) return Array.isArray(b) && a.length === b.length && a.every((item, i) => deepEqual(item, b[i]))
  if (Array.isArray(b)) return false
  const left = a as Record<string, unknown>
  const right = b as Record<string, unknown>
  let keys = 0
  for (const key in left) {
    if (left[key] === undefined) continue
    keys++
    if (!Object.hasOwn(right, key) || !deepEqual(left[key], right[key])) return false
  }
  for (const key in right) if (right[key] !== undefined) keys--
  return keys === 0
}
