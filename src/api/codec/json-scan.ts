// One pass over JSON text that proves whether `JSON.parse` reads it as Go does. It counts the keys outside of strings (a tree with fewer keys
// had duplicates), and finds numbers that a JavaScript number cannot hold, and nesting that is too deep.

interface Scan {
  /** Pairs of key and value in the text. */
  keys: number
  /** Every number is an integer that fits. */
  plainNumbers: boolean
  depth: number
}

const quote = 0x22
const backslash = 0x5c

export function scanJson(bytes: Uint8Array): Scan {
  let keys = 0
  let depth = 0
  let deepest = 0
  let digits = 0
  let plainNumbers = true
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i]!
    if (byte === quote) i = endOfString(bytes, i)
    else if (byte >= 0x30 && byte <= 0x39) {
      if (++digits > 15) plainNumbers = false
    } else {
      if (byte === 0x3a) keys++
      else if (byte === 0x7b || byte === 0x5b) {
        if (++depth > deepest) deepest = depth
      } else if (byte === 0x7d || byte === 0x5d) depth--
      else if (digits > 0 && (byte === 0x2e || byte === 0x65 || byte === 0x45)) plainNumbers = false
      digits = 0
    }
  }
  return { keys, plainNumbers, depth: deepest }
}

function endOfString(bytes: Uint8Array, start: number): number {
  let i = start + 1
  while (i < bytes.length && bytes[i] !== quote) i += bytes[i] === backslash ? 2 : 1
  return i
}

/**
 * Whether some key has a backslash. V8 14 takes `"\\n"` for the key it has just seen in an object of that shape when that key was `"\\\\"`, a lone
 * backslash; what it then gives always has a backslash in it. Such keys are so rare that whoever meets one reads again with care.
 */
export function hasBackslashKey(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  if (Array.isArray(value)) return value.some(hasBackslashKey)
  for (const key in value) if (key.includes('\\') || hasBackslashKey((value as Record<string, unknown>)[key])) return true
  return false
}

export function countKeys(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0
  let count = 0
  if (Array.isArray(value)) {
    for (const item of value) if (typeof item === 'object') count += countKeys(item)
    return count
  }
  for (const key in value) {
    const item = (value as Record<string, unknown>)[key]
    count += typeof item === 'object' && item !== null ? 1 + countKeys(item) : 1
  }
  return count
}
