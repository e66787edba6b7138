// JSON Web Tokens in compact form (RFC 7519), signed and verified with Node's crypto. Keys: RSA (RS256) and ECDSA on P-256, P-384, P-521.
import { createHash, createPrivateKey, createPublicKey, sign, verify } from 'node:crypto'
import type { KeyObject } from 'node:crypto'

export type Claims = Readonly<Record<string, unknown>>

interface Algorithm {
  name: string
  hash: string
}

const byCurve: Record<string, Algorithm> = {
  prime256v1: { name: 'ES256', hash: 'sha256' },
  secp384r1: { name: 'ES384', hash: 'sha384' },
  secp521r1: { name: 'ES512', hash: 'sha512' },
}

function algorithmOf(key: KeyObject): Algorithm {
  if (key.asymmetricKeyType === 'rsa') return { name: 'RS256', hash: 'sha256' }
  const algorithm = byCurve[key.asymmetricKeyDetails?.namedCurve ?? '']
  if (!algorithm) throw new Error(`tokens cannot be signed with a key of type ${key.asymmetricKeyType}`)
  return algorithm
}

/** Names a public key without revealing it: the SHA-256 of its DER form. */
const keyIdOf = (key: KeyObject): string => createHash('sha256').update(key.export({ type: 'spki', format: 'der' })).digest('base64url')

const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')

export type SignToken = (claims: Claims) => string

export function createTokenSigner(privateKeyPem: string): SignToken {
  const key = createPrivateKey(privateKeyPem)
  const algorithm = algorithmOf(key)
  const header = encode({ alg: algorithm.name, kid: keyIdOf(createPublicKey(key)) })
  return (claims) => {
    const signed = `${header}.${encode(claims)}`
    return `${signed}.${sign(algorithm.hash, Buffer.from(signed), { key, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`
  }
}

/** @throws Error when no key made this token. The claims are judged by the caller. */
export type VerifyToken = (token: string) => Claims

export function createTokenVerifier(publicKeyPems: readonly string[]): VerifyToken {
  const keys = publicKeyPems.map((pem) => {
    const key = createPublicKey(pem)
    return { key, id: keyIdOf(key), algorithm: algorithmOf(key) }
  })
  return (token) => {
    const [head = '', body = '', signature = ''] = token.split('.')
    const header = parsePart(head)
    const candidates = typeof header?.kid === 'string' ? keys.filter(({ id }) => id === header.kid) : keys
    if (!candidates.length) throw new Error('invalid signature, no keys found')
    const signed = Buffer.from(`${head}.${body}`)
    const good = candidates.some(({ key, algorithm }) =>
      header?.alg === algorithm.name && verify(algorithm.hash, signed, { key, dsaEncoding: 'ieee-p1363' }, Buffer.from(signature, 'base64url')))
    const claims = good && parsePart(body)
    if (!claims) throw new Error('go-jose/go-jose: error in cryptographic primitive')
    return claims
  }
}

/** What the token says of itself. Nothing of it may be trusted before it is verified. */
export function unverifiedClaims(token: string): Claims | undefined {
  const parts = token.split('.')
  return parts.length === 3 ? parsePart(parts[1]!) : undefined
}

function parsePart(text: string): Claims | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(text, 'base64url').toString('utf8'))
    return typeof value === 'object' && value !== null ? (value as Claims) : undefined
  } catch {
    return undefined
  }
}

/** A JSON Web Key Set (RFC 7517) of the public keys. */
export function jsonWebKeySet(publicKeyPems: readonly string[]): { keys: Record<string, unknown>[] } {
  return {
    keys: publicKeyPems.map((pem) => {
      const key = createPublicKey(pem)
      const { kty, ...parameters } = key.export({ format: 'jwk' })
      return { use: 'sig', kty, kid: keyIdOf(key), alg: algorithmOf(key).name, ...parameters }
    }),
  }
}
