// What a certificate at hand says, read with Node's own parser.
import { X509Certificate, createPrivateKey } from 'node:crypto'
import { isIP } from 'node:net'

export const day = 24 * 3600_000

/** PEM of a certificate and its private key. */
export interface KeyPair {
  readonly certificate: string
  readonly key: string
}

interface Expectation {
  commonName: string
  organizations: readonly string[]
  /** DNS names and IP addresses; no order. */
  sans: readonly string[]
  issuer: X509Certificate
  /** Milliseconds since 1970. */
  now: number
  /** How long it must still be valid, in milliseconds. */
  remaining: number
}

/** The certificates, or the keys, of a file with several. */
export const pemBlocks = (text: string): string[] => [...text.matchAll(/-----BEGIN ([A-Z ]+)-----[\s\S]+?-----END \1-----/g)].map(([block]) => `${block}\n`)

export const isSelfSigned = (certificate: X509Certificate): boolean => certificate.checkIssued(certificate)

/** Can this pair go on being used, as it is? */
export function stillGood(pair: KeyPair, expected: Expectation): boolean {
  const certificate = parsedCertificate(pair.certificate)
  if (!certificate || !belongTogether(certificate, pair.key)) return false
  const subject = subjectOf(certificate)
  return (
    certificate.verify(expected.issuer.publicKey) && validFor(certificate, expected.now, expected.remaining) &&
    subject.commonName === expected.commonName && sameSet(subject.organizations, expected.organizations) && hasExactly(certificate, expected.sans)
  )
}

export function parsedCertificate(pem: string): X509Certificate | undefined {
  try {
    return new X509Certificate(pem)
  } catch {
    return undefined
  }
}

export function belongTogether(certificate: X509Certificate, key: string): boolean {
  try {
    return certificate.checkPrivateKey(createPrivateKey(key))
  } catch {
    return false
  }
}

export const validFor = (certificate: X509Certificate, now: number, remaining: number): boolean =>
  certificate.validFromDate.getTime() <= now && certificate.validToDate.getTime() - now > remaining

interface Subject {
  commonName: string
  organizations: string[]
}

/** Common name and organizations, as Kubernetes takes user name and groups from them. */
export function subjectOf(certificate: X509Certificate): Subject {
  const fields = certificate.toLegacyObject().subject as unknown as Record<string, string | string[] | undefined>
  return { commonName: [fields.CN ?? ''].flat().at(-1)!, organizations: [fields.O ?? []].flat() }
}

const sameSet = (a: readonly string[], b: readonly string[]) => a.length === b.length && a.every((one) => b.includes(one))

function hasExactly(certificate: X509Certificate, sans: readonly string[]): boolean {
  const listed = certificate.subjectAltName?.split(', ').length ?? 0
  return listed === sans.length && sans.every((san) => (isIP(san) ? certificate.checkIP(san) : certificate.subjectAltName?.split(', ').includes(`DNS:${san}`)))
}
