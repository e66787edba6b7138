// All keys and certificates of a server, kept under its data directory with k3s's names. Idempotent: what is good stays, what is missing, damaged,
// near its end or made for other names is made anew. An authority that nears its end gets a new certificate for the same key, so what it signed stays valid.
import { createPublicKey, X509Certificate, randomBytes } from 'node:crypto'
import { existsSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import type { Clock } from '../base/clock.ts'
import { readText } from '../base/read-file.ts'
import { writeAtomically } from './files.ts'
import { belongTogether, day, isSelfSigned, parsedCertificate, pemBlocks, stillGood, validFor } from './inspect.ts'
import type { KeyPair } from './inspect.ts'
import { issueAuthority, issueIdentity, newPrivateKey, notAfterFor } from './issue.ts'
import type { Usage } from './issue.ts'
import { formatJoinToken, parseJoinToken } from './join-token.ts'

const year = 365 * day
export const leafLifetime = year
export const authorityLifetime = 10 * year
/** Left of a leaf's life when a start renews it, and of an authority's. */
export const leafMargin = 90 * day
export const authorityMargin = 2 * year

export interface ServerPkiOptions {
  /** The data directory; `server/` and `agent/` are made in it. */
  directory: string
  clock: Clock
  nodeName: string
  /** Further names and addresses under which the API server is reached, the node's own addresses among them. */
  sans: readonly string[]
  /** Addresses of this node, for the kubelet's serving certificate. */
  nodeAddresses: readonly string[]
  clusterDomain: string
  /** ClusterIP of the service `default/kubernetes`. */
  serviceIp: string
  /** The secret for joining, or a whole token, when the administrator chose it. */
  token?: string
}

interface StoredKeyPair extends KeyPair {
  readonly certificatePath: string
  readonly keyPath: string
}

/** Its file may hold more than itself: after a replacement the authorities before it, which are still trusted, and itself as signed by the one before. */
interface Authority extends StoredKeyPair {
  /** PEM of all that is trusted, itself first. */
  readonly trust: string
  /** PEM of what a server sends after its own certificate, so that whoever trusts only an older authority finds the way. */
  readonly chain: string
}

export interface ServerPki {
  readonly serverCa: Authority
  readonly clientCa: Authority
  readonly requestHeaderCa: Authority
  /** The API server's own TLS certificate. */
  readonly serving: StoredKeyPair
  /** `system:admin` in `system:masters`. */
  readonly admin: StoredKeyPair
  /** With which the API server calls kubelets. */
  readonly kubeletAccess: StoredKeyPair
  /** With which the API server calls extension API servers. */
  readonly authProxy: StoredKeyPair
  /** This node's own kubelet. */
  readonly kubelet: { readonly client: StoredKeyPair; readonly serving: StoredKeyPair }
  /** Tokens are signed with the first key of the file; all of them verify. */
  readonly serviceAccountKey: { readonly privateKey: string; readonly publicKeys: readonly string[]; readonly path: string }
  readonly token: { readonly secret: string; readonly full: string; readonly path: string }
  /** The earliest end of all certificates, in milliseconds since 1970. Call again `leafMargin` before it. */
  readonly notAfter: number
}

export async function ensureServerPki(options: ServerPkiOptions): Promise<ServerPki> {
  const tls = (name: string) => join(options.directory, 'server/tls', name)
  const agent = (name: string) => join(options.directory, 'agent', name)
  const now = options.clock.now()
  const authority = (file: string, commonName: string) => ensureAuthority({ path: tls(file), commonName, now })
  const serverCa = await authority('server-ca', 'mk8s-server-ca')
  const clientCa = await authority('client-ca', 'mk8s-client-ca')
  const requestHeaderCa = await authority('request-header-ca', 'mk8s-request-header-ca')
  const client = (path: string, signer: StoredKeyPair, commonName: string, ...organizations: string[]) =>
    ensureIdentity({ path, authority: signer, commonName, organizations, sans: [], usages: ['clientAuth'], now })
  const server = (path: string, commonName: string, sans: readonly string[]) =>
    ensureIdentity({ path, authority: serverCa, commonName, organizations: [], sans, usages: ['serverAuth'], now })

  const pairs = {
    serving: await server(tls('serving-kube-apiserver'), 'kube-apiserver', apiServerNames(options)),
    admin: await client(tls('client-admin'), clientCa, 'system:admin', 'system:masters'),
    kubeletAccess: await client(tls('client-kube-apiserver'), clientCa, 'system:apiserver', 'system:masters'),
    authProxy: await client(tls('client-auth-proxy'), requestHeaderCa, 'system:auth-proxy'),
    kubelet: {
      client: await client(agent('client-kubelet'), clientCa, `system:node:${options.nodeName}`, 'system:nodes'),
      serving: await server(agent('serving-kubelet'), options.nodeName, unique([options.nodeName, 'localhost', '127.0.0.1', '::1', ...options.nodeAddresses])),
    },
  }
  keepFile(agent('server-ca.crt'), serverCa.trust)
  keepFile(agent('client-ca.crt'), clientCa.trust)
  return {
    serverCa, clientCa, requestHeaderCa, ...pairs,
    serviceAccountKey: ensureServiceAccountKey(tls('service.key')),
    token: ensureToken(join(options.directory, 'server'), serverCa.trust, options.token),
    notAfter: Math.min(...certificatesOf({ serverCa, clientCa, requestHeaderCa, ...pairs }).map((pair) => new X509Certificate(pair.certificate).validToDate.getTime())),
  }
}

/** All of them. */
export const certificatesOf = (pki: Pick<ServerPki, 'serverCa' | 'clientCa' | 'requestHeaderCa' | 'serving' | 'admin' | 'kubeletAccess' | 'authProxy' | 'kubelet'>): readonly StoredKeyPair[] =>
  [pki.serverCa, pki.clientCa, pki.requestHeaderCa, pki.serving, pki.admin, pki.kubeletAccess, pki.authProxy, pki.kubelet.client, pki.kubelet.serving]

const unique = (names: readonly string[]) => [...new Set(names)]

const apiServerNames = ({ nodeName, sans, serviceIp, clusterDomain }: ServerPkiOptions): string[] => unique([
  'kubernetes', 'kubernetes.default', 'kubernetes.default.svc', `kubernetes.default.svc.${clusterDomain}`,
  'localhost', nodeName, '127.0.0.1', '::1', serviceIp, ...sans,
])

async function ensureAuthority({ path, commonName, now }: { path: string; commonName: string; now: number }): Promise<Authority> {
  const [certificatePath, keyPath] = [`${path}.crt`, `${path}.key`]
  // The key is written first: a crash in between leaves a key without a certificate, never the other way round.
  const key = readText(keyPath) ?? create(keyPath, newPrivateKey())
  const [old, ...further] = pemBlocks(readText(certificatePath) ?? '')
  const parsed = old && parsedCertificate(old)
  // One that an administrator's own authority signed is only replaced by hand.
  const good = parsed && belongTogether(parsed, key) && (!isSelfSigned(parsed) || validFor(parsed, now, authorityMargin))
  const certificate = good ? old : await issueAuthority({ commonName, key, notAfter: notAfterFor(now, authorityLifetime) })
  if (!good) writeAtomically(certificatePath, [certificate, ...further].join(''))
  const others = further.flatMap((text) => parsedCertificate(text) ?? [])
  const roots = others.filter(isSelfSigned)
  const chain = [new X509Certificate(certificate), ...others].filter((one) => !isSelfSigned(one))
  return { certificate, key, certificatePath, keyPath, trust: [certificate, ...roots.map(String)].join(''), chain: chain.map(String).join('') }
}

interface IdentitySpec {
  path: string
  authority: KeyPair
  commonName: string
  organizations: readonly string[]
  sans: readonly string[]
  usages: readonly Usage[]
  now: number
}

async function ensureIdentity(spec: IdentitySpec): Promise<StoredKeyPair> {
  const [certificatePath, keyPath] = [`${spec.path}.crt`, `${spec.path}.key`]
  const old = { certificate: readText(certificatePath) ?? '', key: readText(keyPath) ?? '' }
  const issuer = new X509Certificate(spec.authority.certificate)
  if (stillGood(old, { ...spec, issuer, remaining: leafMargin })) return { ...old, certificatePath, keyPath }
  const made = await issueIdentity({ ...spec, notAfter: notAfterFor(spec.now, leafLifetime) })
  writeAtomically(keyPath, made.key)
  writeAtomically(certificatePath, made.certificate)
  return { ...made, certificatePath, keyPath }
}

function ensureServiceAccountKey(path: string): ServerPki['serviceAccountKey'] {
  const keys = pemBlocks(readText(path) ?? create(path, newPrivateKey())).filter((block) => block.includes('PRIVATE KEY'))
  if (keys.length === 0) throw new Error(`${path} holds no private key`)
  return { privateKey: keys[0]!, publicKeys: keys.map((key) => createPublicKey(key).export({ type: 'spki', format: 'pem' }) as string), path }
}

function ensureToken(directory: string, caPem: string, chosen: string | undefined): ServerPki['token'] {
  const path = join(directory, 'token')
  const kept = readText(path)
  const secret = chosen ? parseJoinToken(chosen).secret : kept ? parseJoinToken(kept).secret : randomBytes(16).toString('hex')
  const full = formatJoinToken(caPem, secret)
  keepFile(path, full + '\n')
  if (!existsSync(join(directory, 'node-token'))) symlinkSync('token', join(directory, 'node-token'))
  return { secret, full, path }
}

function create(path: string, text: string): string {
  writeAtomically(path, text)
  return text
}

function keepFile(path: string, text: string): void {
  if (readText(path) !== text) writeAtomically(path, text)
}
