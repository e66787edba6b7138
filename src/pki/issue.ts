// Makes keys and certificates. Keys are ECDSA P-256; a certificate authority that an administrator put in place may be RSA.
//
// Every certificate is valid from 1970 on: a box without a battery-backed clock boots in the past, and `notBefore` of a private CA protects nothing.
// `notAfter` counts from the later of the clock and the time this was written, so that what is made in "1970" is good when the time is known.
import { X509Certificate, createPrivateKey, createPublicKey, generateKeyPairSync, randomBytes } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { isIP } from 'node:net'
import type { PublicKeyType } from '@peculiar/x509'
import type { KeyPair } from './inspect.ts'
import { loadX509 } from './x509.ts'

export type Usage = 'serverAuth' | 'clientAuth' | 'codeSigning' | 'emailProtection' | 'timeStamping' | 'ocspSigning'
export type KeyUsage = 'digitalSignature' | 'nonRepudiation' | 'keyEncipherment' | 'dataEncipherment' | 'keyAgreement' | 'encipherOnly' | 'decipherOnly'

const believableNow = Date.UTC(2026, 0, 1)

/** From when a certificate made now shall hold, `backdate` before now where the clock can be believed. All in milliseconds. */
export const notBeforeFor = (now: number, backdate: number): number => (now < believableNow ? 0 : now - backdate)

/** When a certificate made now shall end. Both in milliseconds. */
export const notAfterFor = (now: number, lifetime: number): number => Math.max(now, believableNow) + lifetime

export const newPrivateKey = (): string => generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'pkcs8', format: 'pem' }) as string

/** A self-signed authority for the key. */
export async function issueAuthority(options: { commonName: string; key: string; notAfter: number }): Promise<string> {
  const x509 = await loadX509()
  const keys = cryptoKeys(createPrivateKey(options.key))
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: newSerialNumber(),
    name: [{ CN: [options.commonName] }],
    notBefore: new Date(0),
    notAfter: new Date(options.notAfter),
    keys,
    signingAlgorithm: keys.algorithm,
    extensions: [
      new x509.BasicConstraintsExtension(true, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature | x509.KeyUsageFlags.keyEncipherment | x509.KeyUsageFlags.keyCertSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  })
  return pem(certificate)
}

/** The same authority under the signature of another, for those who trust only that one. It ends when the first of the two does. */
export async function crossSign(authority: string, signer: KeyPair): Promise<string> {
  const x509 = await loadX509()
  const [subject, issuer] = [new x509.X509Certificate(authority), new x509.X509Certificate(signer.certificate)]
  const signing = cryptoKeys(createPrivateKey(signer.key))
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: newSerialNumber(),
    subject: subject.subjectName,
    issuer: issuer.subjectName,
    notBefore: new Date(0),
    notAfter: new Date(Math.min(subject.notAfter.getTime(), issuer.notAfter.getTime())),
    publicKey: subject.publicKey,
    signingKey: signing.privateKey,
    signingAlgorithm: signing.algorithm,
    extensions: [
      new x509.BasicConstraintsExtension(true, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature | x509.KeyUsageFlags.keyEncipherment | x509.KeyUsageFlags.keyCertSign, true),
      await x509.SubjectKeyIdentifierExtension.create(subject.publicKey),
      await x509.AuthorityKeyIdentifierExtension.create(issuer),
    ],
  })
  return pem(certificate)
}

interface LeafOptions {
  authority: KeyPair
  publicKey: PublicKeyType
  /** RDN sequence in order, as `[{ O: ['system:nodes'] }, { CN: ['system:node:a'] }]`. */
  subject: Record<string, string[]>[]
  sans: readonly San[]
  usages: readonly Usage[]
  keyUsages: readonly KeyUsage[]
  notBefore?: number
  notAfter: number
}

export interface San {
  type: 'dns' | 'ip' | 'email' | 'url'
  value: string
}

const sanOf = (text: string): San => ({ type: isIP(text) ? 'ip' : 'dns', value: text })

/** @returns the certificate as PEM. It never outlives its authority. */
export async function issueLeaf(options: LeafOptions): Promise<string> {
  const x509 = await loadX509()
  const authority = new x509.X509Certificate(options.authority.certificate)
  const signing = cryptoKeys(createPrivateKey(options.authority.key))
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: newSerialNumber(),
    subject: options.subject,
    issuer: authority.subjectName,
    notBefore: new Date(options.notBefore ?? 0),
    notAfter: new Date(Math.min(options.notAfter, new X509Certificate(options.authority.certificate).validToDate.getTime())),
    publicKey: options.publicKey,
    signingKey: signing.privateKey,
    signingAlgorithm: signing.algorithm,
    extensions: [
      new x509.KeyUsagesExtension(options.keyUsages.reduce((flags, usage) => flags | x509.KeyUsageFlags[usage], 0), true),
      ...(options.usages.length ? [new x509.ExtendedKeyUsageExtension(options.usages.map((usage) => x509.ExtendedKeyUsage[usage]))] : []),
      new x509.BasicConstraintsExtension(false, undefined, true),
      await x509.AuthorityKeyIdentifierExtension.create(authority),
      ...(options.sans.length ? [new x509.SubjectAlternativeNameExtension([...options.sans])] : []),
    ],
  })
  return pem(certificate)
}

interface IdentityOptions {
  authority: KeyPair
  commonName: string
  organizations?: readonly string[]
  sans?: readonly string[]
  usages: readonly Usage[]
  notAfter: number
}

/** A new key with its certificate. */
export async function issueIdentity(options: IdentityOptions): Promise<KeyPair> {
  const key = newPrivateKey()
  const certificate = await issueLeaf({
    authority: options.authority,
    publicKey: cryptoKeys(createPrivateKey(key)).publicKey,
    subject: [...(options.organizations ?? []).map((name) => ({ O: [name] })), { CN: [options.commonName] }],
    sans: (options.sans ?? []).map(sanOf),
    usages: options.usages,
    keyUsages: ['digitalSignature', 'keyEncipherment'],
    notAfter: options.notAfter,
  })
  return { certificate, key }
}

const pem = (certificate: { toString(format: 'pem'): string }) => certificate.toString('pem').trimEnd() + '\n'

/** Positive, 127 bits. */
function newSerialNumber(): string {
  const bytes = randomBytes(16)
  bytes[0] = (bytes[0]! & 0x7f) | 0x40
  return bytes.toString('hex')
}

function cryptoKeys(key: KeyObject) {
  const algorithm = signingAlgorithm(key)
  return { algorithm, privateKey: key.toCryptoKey(algorithm, true, ['sign']), publicKey: createPublicKey(key).toCryptoKey(algorithm, true, ['verify']) }
}

function signingAlgorithm(key: KeyObject): { name: string; hash: string; namedCurve: string } {
  if (key.asymmetricKeyType === 'rsa') return { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256', namedCurve: '' }
  const curve = key.asymmetricKeyDetails?.namedCurve
  const byCurve: Record<string, [string, string]> = { prime256v1: ['P-256', 'SHA-256'], secp384r1: ['P-384', 'SHA-384'], secp521r1: ['P-521', 'SHA-512'] }
  const known = byCurve[curve ?? '']
  if (!known) throw new Error(`a certificate authority's key must be RSA or ECDSA, not ${curve ?? key.asymmetricKeyType}`)
  return { name: 'ECDSA', namedCurve: known[0], hash: known[1] }
}
