import { execFileSync } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { FakeClock } from '../base/clock.ts'
import { day, pemBlocks } from './inspect.ts'
import { crossSign, issueAuthority, newPrivateKey } from './issue.ts'
import { createTokenSigner, createTokenVerifier } from './jwt.ts'
import { adoptReplacement, prepareDropping, prepareReplacement } from './replace-authorities.ts'
import { reportCertificates, isWellOff } from './report.ts'
import { ensureServerPki, type ServerPki } from './server-pki.ts'
import { serviceNames } from './services.ts'

const clock = new FakeClock(Date.UTC(2026, 5, 1))
let directory: string
beforeEach(() => void (directory = mkdtempSync(join(tmpdir(), 'authorities-'))))
afterEach(() => rmSync(directory, { recursive: true }))

const ensure = () => ensureServerPki({ directory, clock, nodeName: 'a', sans: [], nodeAddresses: [], clusterDomain: 'c.l', serviceIp: '10.43.0.1' })
const replace = async (more: Partial<Parameters<typeof prepareReplacement>[0]> = {}): Promise<ServerPki> => {
  await prepareReplacement({ directory, from: undefined, force: false, now: clock.now(), ...more })
  adoptReplacement(directory)
  return ensure()
}
function verifies(trust: string, certificate: string, purpose: 'sslserver' | 'sslclient', chain = ''): boolean {
  const file = (name: string, text: string) => (writeFileSync(join(directory, name), text), join(directory, name))
  try {
    execFileSync('openssl', ['verify', '-purpose', purpose, '-CAfile', file('trust', trust), ...(chain ? ['-untrusted', file('chain', chain)] : []), file('leaf', certificate)], { stdio: 'pipe' })
    return true
  } catch {
    return false
  }
}

it('whoever trusts the old, the new or both trusts the server before and after, through several replacements', async () => {
  const all = [await ensure(), await replace(), await replace()]
  const [first, , last] = all as [ServerPki, ServerPki, ServerPki]
  expect(new Set(all.map((pki) => pki.serverCa.certificate)).size).toBe(3)
  for (const pki of all) {
    expect(verifies(pki.serverCa.certificate, last.serving.certificate, 'sslserver', last.serverCa.chain)).toBe(true)
    expect(verifies(last.serverCa.trust, pki.serving.certificate, 'sslserver')).toBe(true)
    expect(verifies(last.clientCa.trust, pki.admin.certificate, 'sslclient')).toBe(true)
    expect(pki.serviceAccountKey).toEqual(first.serviceAccountKey)
  }
  expect(verifies(first.serverCa.certificate, last.serving.certificate, 'sslserver')).toBe(false)
  expect(verifies(last.serverCa.certificate, last.serving.certificate, 'sslserver')).toBe(true)
  expect(readFileSync(join(directory, 'agent/server-ca.crt'), 'utf8')).toBe(last.serverCa.trust)
  expect(await ensure()).toEqual(last)
})

it('is only prepared until the next start, and a start that is broken off goes on', async () => {
  const before = await ensure()
  const { files, kept } = await prepareReplacement({ directory, from: undefined, force: false, now: clock.now() })
  expect(files).toEqual(['server-ca.key', 'server-ca.crt', 'client-ca.key', 'client-ca.crt', 'request-header-ca.key', 'request-header-ca.crt'])
  expect(await ensure()).toEqual(before)
  expect(statSync(join(kept, 'server-ca.key')).mode & 0o777).toBe(0o600)
  await expect(prepareReplacement({ directory, from: undefined, force: false, now: clock.now() })).rejects.toThrow('another replacement is prepared already')
  expect(adoptReplacement(directory)).toHaveLength(6)
  expect(adoptReplacement(directory)).toEqual([])
  expect((await ensure()).serverCa.certificate).not.toBe(before.serverCa.certificate)
})

it('ends the trust in those before when it is forced, or later when they are dropped', async () => {
  const before = await ensure()
  const after = await replace()
  expect(pemBlocks(after.serverCa.trust)).toHaveLength(2)
  prepareDropping({ directory, now: clock.now() })
  adoptReplacement(directory)
  const dropped = await ensure()
  expect(dropped.serverCa).toMatchObject({ trust: after.serverCa.certificate, chain: '' })
  expect(dropped.serving).toEqual(after.serving)
  expect(prepareDropping({ directory, now: clock.now() })).toBeUndefined()
  const forced = await replace({ force: true })
  expect(forced.serverCa.trust).toBe(forced.serverCa.certificate)
  expect(verifies(forced.clientCa.trust, before.admin.certificate, 'sslclient')).toBe(false)
})

it('takes what an administrator made, an intermediate authority too, and a signing key', async () => {
  const old = await ensure()
  const token = createTokenSigner(old.serviceAccountKey.privateKey)({ sub: 'x' })
  const given = join(directory, 'given/tls')
  mkdirSync(given, { recursive: true })
  const openssl = (...args: string[]) => execFileSync('openssl', args, { cwd: given, stdio: 'pipe' })
  openssl('req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', 'root.key', '-out', 'root.crt', '-subj', '/CN=corp root', '-days', '7300')
  openssl('req', '-new', '-newkey', 'rsa:2048', '-nodes', '-keyout', 'server-ca.key', '-out', 'int.csr', '-subj', '/CN=corp mk8s')
  writeFileSync(join(given, 'ext'), 'basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,digitalSignature\n')
  openssl('x509', '-req', '-in', 'int.csr', '-CA', 'root.crt', '-CAkey', 'root.key', '-out', 'int.crt', '-days', '3650', '-extfile', 'ext')
  writeFileSync(join(given, 'server-ca.crt'), readFileSync(join(given, 'int.crt'), 'utf8') + readFileSync(join(given, 'root.crt'), 'utf8'))
  writeFileSync(join(given, 'service.key'), newPrivateKey())
  const now = await replace({ from: join(directory, 'given') })
  expect(now.clientCa).toEqual(old.clientCa)
  for (const trust of [readFileSync(join(given, 'root.crt'), 'utf8'), old.serverCa.certificate, now.serverCa.trust]) expect(verifies(trust, now.serving.certificate, 'sslserver', now.serverCa.chain)).toBe(true)
  expect(now.serviceAccountKey.privateKey).not.toBe(old.serviceAccountKey.privateKey)
  expect(createTokenVerifier(now.serviceAccountKey.publicKeys)(token)).toEqual({ sub: 'x' })
  prepareDropping({ directory, now: clock.now() })
  adoptReplacement(directory)
  const dropped = await ensure()
  expect(pemBlocks(readFileSync(join(directory, 'server/tls/server-ca.crt'), 'utf8'))).toHaveLength(2)
  expect(verifies(readFileSync(join(given, 'root.crt'), 'utf8'), dropped.serving.certificate, 'sslserver', dropped.serverCa.chain)).toBe(true)
  expect(() => createTokenVerifier(dropped.serviceAccountKey.publicKeys)(token)).toThrow()
})

it.each([
  ['nothing', {}, /there is none of server-ca\.crt/],
  ['a certificate without its key', { 'server-ca.crt': 'ca' }, /server-ca: the certificate .* and its key .* are both needed/],
  ['another key', { 'server-ca.crt': 'ca', 'server-ca.key': 'other' }, /is not that of the key/],
  ['one that ends soon', { 'server-ca.crt': 'soon', 'server-ca.key': 'key' }, /ends within a year/],
  ['one without the root above it', { 'server-ca.crt': 'signed', 'server-ca.key': 'key' }, /must also hold the authorities above it/],
  ['a leaf', { 'client-ca.crt': 'leaf', 'client-ca.key': 'leafKey' }, /is not that of an authority/],
])('refuses %s, and changes nothing', async (_what, files: Record<string, string>, message) => {
  const before = await ensure()
  const key = newPrivateKey()
  const authority = (notAfter: number) => issueAuthority({ commonName: 'x', key, notAfter })
  const texts: Record<string, string> = { ca: await authority(clock.now() + 3650 * day), soon: await authority(clock.now() + 30 * day), key, other: newPrivateKey(), leaf: before.admin.certificate, leafKey: before.admin.key, signed: await crossSign(await authority(clock.now() + 3650 * day), before.serverCa) }
  const from = join(directory, 'given')
  mkdirSync(from)
  for (const [name, what] of Object.entries(files)) writeFileSync(join(from, name), texts[what]!)
  await expect(prepareReplacement({ directory, from, force: true, now: clock.now() })).rejects.toThrow(message)
  expect(existsSync(join(directory, 'server/tls/next'))).toBe(false)
  expect(await ensure()).toEqual(before)
})

it('the report says how each certificate stands', async () => {
  await ensure()
  const report = (now: number) => reportCertificates(directory, { of: serviceNames, withAuthorities: true, now })
  expect(report(clock.now()).map(({ file, subject, state }) => `${file} ${subject} ${state}`)).toEqual([
    'server-ca.crt mk8s-server-ca OK', 'client-ca.crt mk8s-client-ca OK', 'request-header-ca.crt mk8s-request-header-ca OK', 'client-admin.crt system:admin OK', 'serving-kube-apiserver.crt kube-apiserver OK',
    'client-kube-apiserver.crt system:apiserver OK', 'client-auth-proxy.crt system:auth-proxy OK', 'client-kubelet.crt system:node:a OK', 'serving-kubelet.crt a OK',
  ])
  expect(report(clock.now()).find(({ file }) => file === 'serving-kubelet.crt')).toMatchObject({ issuer: 'mk8s-server-ca', sans: ['a', 'localhost', '127.0.0.1', '0:0:0:0:0:0:0:1'], daysLeft: 365, notAfter: '2027-06-01T00:00:00Z' })
  expect(report(clock.now() + 300 * day).filter(({ state }) => state === 'RENEWAL DUE')).toHaveLength(6)
  expect(report(clock.now() + 400 * day).filter(({ state }) => state === 'EXPIRED')).toHaveLength(6)
  await replace()
  expect(report(clock.now()).filter(({ state }) => state === 'PREVIOUS').map(({ file, subject, issuer }) => [file, subject.replace(/@.*/, ''), issuer])).toEqual([
    ['server-ca.crt', 'mk8s-server-ca', 'mk8s-server-ca'], ['server-ca.crt', 'mk8s-server-ca', 'mk8s-server-ca'], ['client-ca.crt', 'mk8s-client-ca', 'mk8s-client-ca'], ['request-header-ca.crt', 'mk8s-request-header-ca', 'mk8s-request-header-ca'],
  ])
  expect(report(clock.now()).every(isWellOff)).toBe(true)
  writeFileSync(join(directory, 'server/tls/client-admin.crt'), 'x')
  expect(report(clock.now()).filter((one) => !isWellOff(one)).map(({ state }) => state)).toEqual(['UNREADABLE'])
  expect(new X509Certificate((await ensure()).admin.certificate).subject).toContain('system:admin')
})
