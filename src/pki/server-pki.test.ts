import { execFileSync } from 'node:child_process'
import { X509Certificate, generateKeyPairSync } from 'node:crypto'
import { mkdtempSync, rmSync, statSync, truncateSync, unlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { FakeClock } from '../base/clock.ts'
import { parseCertificateRequest } from './certificate-request.ts'
import { readText } from '../base/read-file.ts'
import { day, subjectOf } from './inspect.ts'
import { issueLeaf } from './issue.ts'
import { caHash, parseJoinToken, sameSecret } from './join-token.ts'
import { ensureServerPki } from './server-pki.ts'
import type { ServerPki, ServerPkiOptions } from './server-pki.ts'

const clock = new FakeClock(Date.UTC(2026, 5, 1))
let directory: string
const ensure = (options: Partial<ServerPkiOptions> = {}): Promise<ServerPki> =>
  ensureServerPki({ directory, clock, nodeName: 'a', sans: ['10.0.0.5'], nodeAddresses: ['10.0.0.5'], clusterDomain: 'cluster.local', serviceIp: '10.43.0.1', ...options })

beforeEach(() => void (directory = mkdtempSync(join(tmpdir(), 'pki-'))))
afterEach(() => rmSync(directory, { recursive: true }))

describe('ensureServerPki', () => {
  it('makes certificates that openssl accepts, in files only root may read', async () => {
    const pki = await ensure()
    execFileSync('openssl', ['verify', '-CAfile', pki.serverCa.certificatePath, '-purpose', 'sslserver', pki.serving.certificatePath])
    execFileSync('openssl', ['verify', '-CAfile', pki.clientCa.certificatePath, '-purpose', 'sslclient', pki.admin.certificatePath])
    expect(subjectOf(new X509Certificate(pki.kubelet.client.certificate))).toEqual({ commonName: 'system:node:a', organizations: ['system:nodes'] })
    expect(new X509Certificate(pki.serving.certificate).checkIP('::1')).toBe('::1')
    for (const path of [pki.admin.keyPath, pki.serviceAccountKey.path, pki.token.path]) expect(statSync(path).mode & 0o777).toBe(0o600)
  })

  it('keeps everything over a restart', async () => {
    expect(await ensure()).toEqual(await ensure())
  })

  it('makes only the serving certificates anew when an address changes', async () => {
    const before = await ensure()
    const after = await ensure({ sans: ['10.0.0.6'], nodeAddresses: ['10.0.0.6'] })
    expect(after.serving.certificate).not.toBe(before.serving.certificate)
    expect({ ...after, serving: 0, kubelet: 0 }).toEqual({ ...before, serving: 0, kubelet: 0 })
    expect(after.kubelet.client).toEqual(before.kubelet.client)
  })

  it.each([[0], [Date.UTC(2026, 6, 1)], [Date.UTC(2040, 0, 1)]])('what is made when the clock says %d is good at any time in the year after', async (now) => {
    const pki = await ensure({ clock: new FakeClock(now) })
    const late = Math.max(now, Date.UTC(2026, 0, 1)) + 270 * day
    expect((await ensure({ clock: new FakeClock(late) })).serving).toEqual(pki.serving)
    expect((await ensure({ clock: new FakeClock(0) })).serving).toEqual(pki.serving)
  })

  it('renews a leaf near its end, and an authority with the same key', async () => {
    const before = await ensure()
    const leaves = await ensure({ clock: new FakeClock(clock.now() + 300 * day) })
    expect(leaves.admin.certificate).not.toBe(before.admin.certificate)
    expect(leaves.serverCa).toEqual(before.serverCa)
    const all = await ensure({ clock: new FakeClock(clock.now() + 9 * 365 * day) })
    expect(all.serverCa.certificate).not.toBe(before.serverCa.certificate)
    expect(all.serverCa.key).toBe(before.serverCa.key)
    expect(new X509Certificate(before.serving.certificate).verify(new X509Certificate(all.serverCa.certificate).publicKey)).toBe(true)
  })

  it('repairs what a crash left behind', async () => {
    const before = await ensure()
    unlinkSync(before.serverCa.certificatePath)
    truncateSync(before.admin.certificatePath)
    writeFileSync(before.kubeletAccess.keyPath, before.admin.key)
    const after = await ensure()
    expect(after.serverCa.key).toBe(before.serverCa.key)
    expect(new X509Certificate(after.admin.certificate).checkIssued(new X509Certificate(after.clientCa.certificate))).toBe(true)
    expect(after.kubeletAccess.key).not.toBe(before.admin.key)
  })

  it('writes the join token as k3s does, and takes a chosen secret', async () => {
    const pki = await ensure()
    expect(readText(join(directory, 'server/node-token'))).toBe(`K10${caHash(pki.serverCa.certificate)}::server:${pki.token.secret}\n`)
    expect((await ensure({ token: 'chosen' })).token.secret).toBe('chosen')
    expect((await ensure()).token.secret).toBe('chosen')
    expect(parseJoinToken(pki.token.full)).toEqual({ caHash: caHash(pki.serverCa.certificate), username: 'server', secret: pki.token.secret })
    expect(sameSecret('a', 'a') && !sameSecret('a', 'ab')).toBe(true)
  })
})

describe('certificate requests', () => {
  it('are read, checked and signed, for any kind of key', async () => {
    const pki = await ensure()
    for (const type of ['ec', 'rsa'] as const) {
      const { privateKey } = type === 'ec' ? generateKeyPairSync('ec', { namedCurve: 'P-384' }) : generateKeyPairSync('rsa', { modulusLength: 2048 })
      const key = join(directory, 'key.pem')
      writeFileSync(key, privateKey.export({ type: 'pkcs8', format: 'pem' }))
      const subject = '/O=system:nodes/CN=system:node:b'
      const pem = execFileSync('openssl', ['req', '-new', '-key', key, '-subj', subject, '-addext', 'subjectAltName=DNS:b,IP:10.0.0.9'], { encoding: 'utf8' })
      const request = await parseCertificateRequest(pem)
      expect(request).toMatchObject({ commonName: 'system:node:b', organizations: ['system:nodes'], signatureValid: true })
      expect(request.sans).toEqual([{ type: 'dns', value: 'b' }, { type: 'ip', value: '10.0.0.9' }])
      const leaf = await issueLeaf({ ...request, authority: pki.clientCa, usages: ['clientAuth'], keyUsages: ['digitalSignature'], notAfter: clock.now() + day })
      const certificate = new X509Certificate(leaf)
      expect(certificate.checkPrivateKey(privateKey)).toBe(true)
      expect(subjectOf(certificate)).toEqual({ commonName: 'system:node:b', organizations: ['system:nodes'] })
    }
    await expect(parseCertificateRequest('nonsense')).rejects.toThrow('PEM block type must be CERTIFICATE REQUEST')
  })
})
