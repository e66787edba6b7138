// Certificates of the real binary: renewed while it runs and watches go on, rotated by command, and authorities replaced.
import { chmodSync, copyFileSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { binary, Box, eventually, kubectl, must, run, type Ongoing } from './box.ts'
import { openWorkbench, type Workbench } from './workbench.ts'

vi.setConfig({ testTimeout: 120_000 })

/** Only mk8s has another time: that of a file. */
class ClockedBox extends Box {
  override readonly binary = join(this.directory, 'mk8s')
  readonly timeFile = join(this.directory, 'time')

  override async open(): Promise<this> {
    const library = (await must('sh', ['-c', 'ls /usr/lib/*/faketime/libfaketimeMT.so.1'])).trim()
    const environment = `LD_PRELOAD=${library} FAKETIME_TIMESTAMP_FILE=${this.timeFile} FAKETIME_CACHE_DURATION=1 FAKETIME_DONT_FAKE_MONOTONIC=1 FAKETIME_DONT_RESET=1 NO_FAKE_STAT=1`
    this.setAhead(0)
    writeFileSync(this.binary, `#!/bin/sh\nexec env ${environment} ${binary} "$@"\n`)
    chmodSync(this.binary, 0o755)
    return super.open()
  }

  setAhead(days: number): void {
    writeFileSync(this.timeFile, `+${days}d`)
  }
}

const box = new ClockedBox()
let bench: Workbench
const file = (name: string) => join(box.directory, name)
const tls = (name: string) => readFileSync(join(box.dataDir, 'server/tls', name), 'utf8')
const firstOf = (bundle: string) => /-----BEGIN[\s\S]+?-----END CERTIFICATE-----\n/.exec(bundle)![0]
const certificate = (command: string, ...flags: string[]) => run(box.binary, ['certificate', command, '--data-dir', box.dataDir, '--config', file('config.yaml'), ...flags])
const shownAt = (port: number) => box.inside('sh', ['-c', `openssl s_client -connect 127.0.0.1:${port} </dev/null 2>/dev/null | openssl x509 -noout -fingerprint`])
const curl = (authority: string, token: string) => box.tryInside('curl', ['-sS', '-m', '5', '--cacert', authority, '-H', `Authorization: Bearer ${token}`, 'https://127.0.0.1:6443/api/v1/namespaces/default'])
const knows = /system:serviceaccount:default:default\\" cannot get resource/
const withKubeconfig = (path: string) => box.tryInside(kubectl, ['--kubeconfig', path, 'get', 'namespace', 'default', '-o', 'name'])

beforeAll(async () => {
  bench = await openWorkbench(box)
  await bench.start({ name: 'client' })
}, 180_000)
afterAll(async () => {
  await box.close()
}, 60_000)

let watches: Ongoing[]
async function watchesGoOn(name: string): Promise<void> {
  await box.k(['create', 'configmap', name])
  for (const watch of watches) {
    await eventually(`a watch tells of ${name}`, async () => watch.output.includes(name), 20)
    expect(watch.ended).toBe(false)
  }
}

test('all certificates are well at first; near their end the check says so with its exit code', async () => {
  const now = await certificate('check')
  expect(now.stdout.split('\n')[0]).toMatch(/^FILE +SUBJECT +SANS +EXPIRES +DAYS LEFT +STATE$/)
  expect(now.stdout.trim().split('\n')).toHaveLength(1 + 9)
  expect(now.code).toBe(0)
  const later = await run('faketime', ['-f', '+300d', binary, 'certificate', 'check', '--data-dir', box.dataDir, '--config', file('config.yaml'), '-o', 'json'])
  const due = (JSON.parse(later.stdout) as { certificates: { file: string; state: string }[] }).certificates.filter(({ state }) => state === 'RENEWAL DUE')
  expect(due.map((one) => one.file)).toContain('serving-kube-apiserver.crt')
  expect(later.code).toBe(1)
})

test('near their end they are renewed while the server runs: no watch ends, and everybody shows new ones', async () => {
  watches = [
    box.startKubectl(['get', 'configmaps', '--watch', '--output', 'name']),
    box.startInside('curl', ['-sN', '--cacert', join(box.dataDir, 'server/tls/server-ca.crt'), '--cert', join(box.dataDir, 'server/tls/client-admin.crt'), '--key', join(box.dataDir, 'server/tls/client-admin.key'), 'https://127.0.0.1:6443/api/v1/namespaces/default/configmaps?watch=1']),
  ]
  await watchesGoOn('before')
  const before = { api: await shownAt(6443), kubelet: await shownAt(10250), kubeconfig: readFileSync(box.kubeconfig, 'utf8'), client: readFileSync(join(box.dataDir, 'agent/client-kubelet.crt'), 'utf8') }
  box.setAhead(300)
  await eventually('the API server shows a new certificate', async () => (await shownAt(6443)) !== before.api, 40)
  await eventually('the kubelet, too', async () => (await shownAt(10250)) !== before.kubelet)
  expect(readFileSync(join(box.dataDir, 'agent/client-kubelet.crt'), 'utf8')).not.toBe(before.client)
  await eventually("so does the administrator's kubeconfig", async () => readFileSync(box.kubeconfig, 'utf8') !== before.kubeconfig)
  await watchesGoOn('renewed')
  expect(await bench.exec('client', 'echo works')).toBe('works\n')
  expect((await certificate('check')).code).toBe(0)
})

test('rotated by command in the running server, for some services; others are not there', async () => {
  const before = { api: await shownAt(6443), kubelet: await shownAt(10250) }
  const rotated = await certificate('rotate', '--service', 'kubelet', '--service', 'admin')
  expect(rotated.stdout).toBe(['server/tls/client-admin.crt', 'agent/client-kubelet.crt', 'agent/serving-kubelet.crt'].map((path) => `renewed ${join(box.dataDir, path)}\n`).join(''))
  expect(await shownAt(6443)).toBe(before.api)
  await eventually('the kubelet shows a new certificate', async () => (await shownAt(10250)) !== before.kubelet)
  await watchesGoOn('rotated')
  const none = await certificate('rotate', '--service', 'scheduler')
  expect([none.code, none.stderr]).toEqual([1, 'mk8s: --service: scheduler has no certificate, it runs inside the server; choose of admin, api-server, auth-proxy, kubelet\n'])
})

test('authorities are replaced: those who know only the old ones go on, those who know only the new ones do as well', async () => {
  writeFileSync(file('old-ca'), tls('server-ca.crt'))
  copyFileSync(box.kubeconfig, file('old.yaml'))
  const token = await box.token(36_000)
  const prepared = await certificate('rotate-ca')
  expect(prepared.stdout).toMatch(/^prepared: server-ca\.crt, client-ca\.crt, request-header-ca\.crt\nthose in use are kept in .*server\/tls-\d+\nthe next start of the server takes them/)
  expect((await withKubeconfig(file('old.yaml'))).code).toBe(0)
  await box.signal('SIGTERM')
  await box.start()
  writeFileSync(file('new-ca'), firstOf(tls('server-ca.crt')))
  expect(readFileSync(file('new-ca'), 'utf8')).not.toBe(readFileSync(file('old-ca'), 'utf8'))
  for (const authority of ['old-ca', 'new-ca']) expect((await curl(file(authority), token)).stdout, authority).toMatch(knows)
  for (const kubeconfig of [file('old.yaml'), box.kubeconfig]) expect((await withKubeconfig(kubeconfig)).stderr, kubeconfig).toBe('')
  const published = () => box.k(['get', 'configmap', 'kube-root-ca.crt', '-o', 'jsonpath={.data.ca\\.crt}'])
  await eventually('pods are told of the new one beside the old one', async () => (await published()).includes(readFileSync(file('new-ca'), 'utf8')) && (await published()).includes(readFileSync(file('old-ca'), 'utf8')))
  await eventually('a running pod has both', async () => (await bench.exec('client', 'cat /var/run/secrets/kubernetes.io/serviceaccount/ca.crt')) === (await published()), 110)
  expect((await certificate('check')).stdout).toMatch(/server-ca\.crt .* PREVIOUS/)
})

test('the old ones are dropped: who knows only them is refused', async () => {
  const token = await box.token(36_000)
  expect((await certificate('rotate-ca', '--drop-old')).stdout).toContain('prepared: server-ca.crt, client-ca.crt, request-header-ca.crt')
  await box.signal('SIGTERM')
  expect((await certificate('rotate', '--service', 'api-server')).stdout).toBe('the next start of the server makes new certificates for api-server\n')
  const before = tls('client-admin.crt')
  await box.start()
  expect(tls('client-admin.crt')).toBe(before)
  expect((await curl(file('old-ca'), token)).code).not.toBe(0)
  expect((await withKubeconfig(file('old.yaml'))).stderr).toMatch(/certificate signed by unknown authority|provide credentials/)
  expect((await curl(file('new-ca'), token)).stdout).toMatch(knows)
  expect((await withKubeconfig(box.kubeconfig)).code).toBe(0)
  expect((await certificate('rotate-ca', '--drop-old')).stdout).toBe('there is nothing to drop: only the present authorities are trusted\n')
})
