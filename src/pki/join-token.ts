// What an agent needs to join: proof of which server it talks to (the CA's hash) and a secret. Format: `K10<hash>::<user>:<secret>`, as k3s has it.
import { createHash, timingSafeEqual } from 'node:crypto'

interface JoinToken {
  /** SHA-256 of the server CA's PEM, hex; undefined in the short form, which is the secret alone. */
  caHash?: string
  username: string
  secret: string
}

export const caHash = (pem: string): string => createHash('sha256').update(pem).digest('hex')

export const formatJoinToken = (caPem: string, secret: string, username = 'server'): string => `K10${caHash(caPem)}::${username}:${secret}`

export function parseJoinToken(text: string): JoinToken {
  const full = /^K10([0-9a-f]{64})::([^:]+):(.+)$/.exec(text.trim())
  return full ? { caHash: full[1]!, username: full[2]!, secret: full[3]! } : { username: 'server', secret: text.trim() }
}

/** In constant time. */
export function sameSecret(a: string, b: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(a), digest(b))
}
