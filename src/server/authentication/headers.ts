// Identities in headers. A header given several times arrives as one value joined by commas.
import type { Credentials } from './authenticator.ts'

export const listHeader = (value: string | undefined): string[] => (value ?? '').split(',').map((one) => one.trim()).filter(Boolean)

/** All headers that start with the prefix; the rest of their name, percent-decoded, is the key. */
export function extraFrom(headers: Credentials['headers'], prefix: string): Record<string, string[]> {
  const extra: Record<string, string[]> = Object.create(null)
  for (const [name, value] of Object.entries(headers)) {
    if (name.startsWith(prefix)) extra[decodeKey(name.slice(prefix.length))] = listHeader(value)
  }
  return extra
}

function decodeKey(encoded: string): string {
  try {
    return decodeURIComponent(encoded)
  } catch {
    return encoded
  }
}
