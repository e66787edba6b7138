// Stable hashes of objects, in the letters that upstream allows in names: no vowels, so no words.
const letters = 'bcdfghjklmnpqrstvwxz2456789'

/** JSON with sorted keys, without nulls and empty lists: equal for what the API holds to be equal. */
export function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, item: unknown) => {
    if (item === null || (Array.isArray(item) && item.length === 0)) return undefined
    if (typeof item !== 'object' || Array.isArray(item)) return item
    return Object.fromEntries(Object.entries(item as object).sort(([a], [b]) => (a < b ? -1 : 1)))
  })
}

/** FNV-1a, 32 bits. */
function hash32(text: string): number {
  let hash = 0x811c9dc5
  for (const byte of Buffer.from(text)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0
  return hash
}

const safeEncode = (text: string): string => Array.from(text, (char) => letters[char.charCodeAt(0) % letters.length]).join('')

/** For a label such as `pod-template-hash`; `collisions` counts how often this hash met another template's name. */
export const templateHash = (template: unknown, collisions = 0): string => safeEncode(String(hash32(`${canonical(template)}${collisions || ''}`)))
