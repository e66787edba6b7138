// Back-ups of the real binary: made while it is written to, restored elsewhere, broken off, and taken by itself after damage.
import { chmodSync, existsSync, mkdirSync, openSync, closeSync, readFileSync, readdirSync, statSync, writeFileSync, writeSync } from 'node:fs'
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { binary, Box, eventually, kubectl, must, run } from './box.ts'

vi.setConfig({ testTimeout: 120_000 })
const a = new Box(['--disable-agent'])
const b = new Box(['--disable-agent'])
const at = (name: string) => join(a.directory, name)
const place = (box: Box) => ['--data-dir', box.dataDir, '--config', join(box.directory, 'config.yaml'), '--private-registry', join(box.directory, 'registries.yaml')]
const backup = (box: Box, file: string, ...more: string[]) => must(binary, ['backup', ...place(box), ...more, file])
const restore = (box: Box, file: string, ...more: string[]) => run(binary, ['restore', ...place(box), ...more, file])
const configMap = (name: string, data: Record<string, string> = {}) => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data })
const revisionOf = async (box: Box, name: string) => Number((await box.k(['get', 'configmap', name, '-o', 'jsonpath={.metadata.resourceVersion}'])))
const watchFrom = (box: Box, revision: number) => box.kubectl(['get', '--raw', `/api/v1/namespaces/default/configmaps?watch=1&timeoutSeconds=1&resourceVersion=${revision}`])
/** Kept where the file must not be seen twice. */
const archive = at('state.mk8s')
let token = ''
let lastRevision = 0
let before: string[] = []

beforeAll(async () => {
  await Promise.all([a.open(), b.open()])
  writeFileSync(join(a.directory, 'registries.yaml'), 'mirrors: {}\n', { mode: 0o640 })
  await a.startApi()
  token = await a.token(3600)
}, 120_000)
afterAll(() => Promise.all([a.close(), b.close()]), 60_000)

/** Creates ConfigMaps as fast as it can until told to stop. @returns the names that were acknowledged. */
function writing(box: Box, prefix: string) {
  const state = { names: [] as string[], stop: false }
  const done = (async () => {
    for (let i = 0; !state.stop; i++) {
      const names = Array.from({ length: 20 }, (_, n) => `${prefix}-${i}-${n}`)
      await box.apply({ apiVersion: 'v1', kind: 'List', items: names.map((name) => configMap(name, { text: 'x'.repeat(500) })) })
      state.names.push(...names)
    }
  })()
  return { state, end: () => ((state.stop = true), done) }
}

describe('made while the server is written to', () => {
  test('holds all that was acknowledged before it, in one file of mode 0600', async () => {
    const writer = writing(a, 'busy')
    while (writer.state.names.length < 40) await sleep(50)
    before = [...writer.state.names]
    const said = await run(binary, ['backup', ...place(a), archive])
    expect(said.code, said.stderr).toBe(0)
    expect(said.stderr).toMatch(/^.*state\.mk8s: [\d.]+ MB, not encrypted: it holds every secret of the cluster: the state of node box at revision \d+, \d+ certificates and keys, config\.yaml, registries\.yaml\n$/)
    await writer.end()
    expect(statSync(archive).mode & 0o777).toBe(0o600)
    expect(readdirSync(join(a.dataDir, 'server/db')).filter((name) => name.startsWith('backup-'))).toEqual([])
    await a.apply(configMap('after'))
    lastRevision = await revisionOf(a, 'after')
  })

  test('on standard output it is the same; a running server is not replaced', async () => {
    await must('sh', ['-c', `${binary} backup ${place(a).join(' ')} - >${at('piped')} 2>/dev/null && tar -tzf ${at('piped')} >${at('names')}`])
    expect(readFileSync(at('names'), 'utf8').split('\n')).toEqual(expect.arrayContaining(['manifest.json', 'state.db', 'token', 'tls/server-ca.key', 'tls/service.key', 'config/config.yaml']))
    const { code, stderr } = await restore(a, archive)
    expect(stderr).toBe(`mk8s: a server is running on ${a.dataDir}: stop it first (systemctl stop mk8s)\n`)
    expect(code).toBe(1)
  })
})

test('restored on another machine with another address: objects, tokens and kubeconfigs hold, and no revision comes twice', async () => {
  await b.inside('ip', ['address', 'delete', '192.0.2.10/24', 'dev', 'eth0'])
  await b.inside('ip', ['address', 'add', '192.0.2.77/24', 'dev', 'eth0'])
  await b.inside('ip', ['route', 'add', 'default', 'via', '192.0.2.1', 'dev', 'eth0'])
  // without --node-name: the node keeps the name that is in the back-up
  b.flags = b.flags.filter((flag, i, all) => flag !== '--node-name' && all[i - 1] !== '--node-name')
  const said = await restore(b, archive)
  expect(said.stderr).toBe('')
  expect(said.stdout).toMatch(/^restored node box of \S+Z into .*; revisions go on from \d+\nconfiguration written: .*config\.yaml, .*registries\.yaml\n/)
  expect(statSync(join(b.directory, 'registries.yaml')).mode & 0o777).toBe(0o640)
  await b.startApi()
  expect(readFileSync(join(b.dataDir, 'node-name'), 'utf8')).toBe('box\n')
  const names = new Set((await b.k(['get', 'configmaps', '-o', 'name'])).trim().split('\n').map((name) => name.replace('configmap/', '')))
  expect(before.filter((name) => !names.has(name))).toEqual([])
  expect(names.has('after')).toBe(false)

  const byToken = await b.tryInside(kubectl, ['--kubeconfig', '/dev/null', '--server', 'https://127.0.0.1:6443', '--insecure-skip-tls-verify', '--token', token, 'get', 'namespace', 'default'])
  expect(byToken.stderr).toContain('User "system:serviceaccount:default:default" cannot get resource')
  expect(await b.inside(kubectl, ['--kubeconfig', a.kubeconfig, 'get', 'namespace', 'default', '-o', 'name'])).toBe('namespace/default\n')
  const names77 = await b.inside('sh', ['-c', 'openssl s_client -connect 192.0.2.77:6443 </dev/null 2>/dev/null | openssl x509 -noout -ext subjectAltName'])
  expect(names77).toContain('IP Address:192.0.2.77')

  await b.apply(configMap('new'))
  expect(await revisionOf(b, 'new')).toBeGreaterThan(lastRevision + 1e9)
  for (const revision of [lastRevision, await revisionOf(b, before[0]!)]) expect((await watchFrom(b, revision)).stdout + (await watchFrom(b, revision)).stderr).toMatch(/too old resource version/)
})

test('restored twice from one archive, it does not hand out the same revisions again either', async () => {
  const first = await revisionOf(b, 'new')
  await b.signal('SIGKILL')
  const said = await restore(b, archive)
  expect(said.code, said.stderr).toBe(0)
  const kept = /what was there before is in (\S+)/.exec(said.stdout)![1]!
  expect(readdirSync(kept).sort()).toEqual(['config', 'db', 'node-name', 'tls', 'token'])
  await b.startApi()
  await b.apply(configMap('newer'))
  expect(await revisionOf(b, 'newer')).toBeGreaterThan(first)
  expect((await b.kubectl(['get', 'configmap', 'new'])).stderr).toContain('NotFound')
})

describe('encrypted', () => {
  const sealed = at('sealed.mk8s')
  const wrong = at('wrong')
  beforeAll(async () => {
    writeFileSync(at('right'), 'correct horse\n')
    writeFileSync(wrong, 'battery staple\n')
    await backup(a, sealed, '--passphrase-file', at('right'))
  })

  test('nothing in it can be read, and it is not restored without the pass phrase', async () => {
    const bytes = readFileSync(sealed)
    expect(bytes.subarray(0, 14).toString()).toBe('mk8s-sealed-1 ')
    expect(bytes.includes('PRIVATE KEY')).toBe(false)
    await b.signal('SIGTERM')
    for (const [flags, message] of [[['--passphrase-file', wrong], 'the pass phrase is wrong, or the back-up is damaged at its beginning'], [[], 'there is no terminal to ask for the pass phrase']] as const) {
      const { code, stderr } = await run('setsid', ['--wait', binary, 'restore', ...place(b), ...flags, sealed])
      expect(stderr).toContain(`mk8s: ${message}`)
      expect(code).toBe(1)
    }
  })

  test('the variable is taken for both ways', async () => {
    const env = { ...process.env, MK8S_PASSPHRASE: 'correct horse' }
    await must(binary, ['backup', ...place(a), at('by-variable.mk8s')], { env })
    expect((await run(binary, ['restore', ...place(b), at('by-variable.mk8s')], { env })).stderr).toBe('')
    expect((await restore(b, sealed, '--passphrase-file', at('right'))).stderr).toBe('')
    await b.startApi()
    expect((await b.kubectl(['get', 'configmap', 'after'])).code).toBe(0)
    await b.signal('SIGTERM')
  })
})

describe('trouble', () => {
  const contents = () => readdirSync(b.directory, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile()).map(({ parentPath, name }) => `${parentPath}/${name} ${statSync(join(parentPath, name)).mtimeMs}`).sort()

  test.each([
    ['that is cut off', () => readFileSync(archive).subarray(0, -5_000), /^mk8s: the back-up is damaged: it is cut off/],
    ['of another program', () => Buffer.from('hello'), /^mk8s: this is no back-up made by mk8s/],
    ['with a byte changed', () => readFileSync(archive).fill(7, 20_000, 20_001), /^mk8s: (the back-up is damaged|this is no back-up made by mk8s, or it is damaged)/],
  ])('an archive %s is refused in one line, and nothing changes', async (_what, make, line) => {
    writeFileSync(at('bad'), make())
    const was = contents()
    const { code, stderr, stdout } = await restore(b, at('bad'))
    expect([code, stdout]).toEqual([1, ''])
    expect(stderr).toMatch(line)
    expect(stderr.trim().split('\n')).toHaveLength(1)
    expect(contents()).toEqual(was)
  })

  test('a full disk: one line, no file, nothing left beside it', async () => {
    const small = at('small')
    mkdirSync(small)
    const said = await run('unshare', ['--mount', 'sh', '-c', `mount -t tmpfs -o size=16k tmpfs ${small} && ${binary} backup ${place(a).join(' ')} ${small}/x; echo $?; ls -A ${small}`])
    expect(said.stderr).toMatch(/^mk8s: the back-up cannot be written to .*small\/x: ENOSPC/)
    expect(said.stdout).toBe('1\n')
  })

  test('a full disk of the data: one line, nothing changed', async () => {
    const said = await run('unshare', ['--mount', 'sh', '-c', `mkdir ${at('tiny')} && mount -t tmpfs -o size=2m tmpfs ${at('tiny')} && ${binary} restore --data-dir ${at('tiny')}/data --config ${at('tiny')}/c ${archive}; echo $?; find ${at('tiny')} -type f ! -name '*.node*'`])
    expect(said.stderr).toMatch(/^mk8s: no room to unpack the back-up in .*: free some disk space; nothing was changed\n$/)
    expect(said.stdout).toBe('1\n')
  })

  test('killed at any moment, a restoration has happened or it has not', async () => {
    const seen = new Set<string>()
    const whole = async (box: Box) => {
      await box.startApi()
      const state = (await box.kubectl(['get', 'configmap', 'mark', '-o', 'jsonpath={.data.is}'])).stdout
      await box.signal('SIGTERM')
      return state
    }
    const marked = new Map<string, string>()
    for (const is of ['one', 'two']) {
      await b.startApi()
      await b.apply(configMap('mark', { is }))
      await b.signal('SIGTERM')
      marked.set(is, at(`${is}.mk8s`))
      await backup(b, at(`${is}.mk8s`))
    }
    const started = Date.now()
    await restore(b, marked.get('one')!)
    const takes = Date.now() - started
    let present = 'one'
    for (let round = 0; round < 3; round++) {
      const other = present === 'one' ? 'two' : 'one'
      const child = spawn(binary, ['restore', ...place(b), marked.get(other)!], { stdio: 'ignore' })
      const ended = new Promise((resolve) => child.once('exit', resolve))
      await sleep(takes * (0.5 + 0.25 * round))
      child.kill('SIGKILL')
      await ended
      const noted = existsSync(join(b.dataDir, 'restore.json'))
      const found = await whole(b)
      expect([present, other]).toContain(found)
      if (noted) expect(found).toBe(other)
      expect(existsSync(join(b.dataDir, 'restore.json'))).toBe(false)
      seen.add(found === present ? 'not' : 'done')
      present = found
    }
    expect([...seen]).not.toHaveLength(0)
  })
})

test('a restoration that was broken off after its point of no return is finished by the next start, with the options it brings', async () => {
  const staged = join(b.dataDir, 'restore-1')
  for (const directory of [join(staged, 'config'), join(b.dataDir, 'server')]) mkdirSync(directory, { recursive: true })
  writeFileSync(join(b.dataDir, 'server/token'), 'before')
  writeFileSync(join(staged, 'token'), 'brought')
  writeFileSync(join(staged, 'config/config.yaml'), 'cluster-domain: brought.example\n')
  const note = join(b.dataDir, 'restore.json')
  writeFileSync(note, JSON.stringify({ staged: 'restore-1', aside: 'server/before-1', writes: [{ from: 'config/config.yaml', to: join(b.directory, 'config.yaml'), mode: 0o600 }] }))
  await b.startApi()
  await b.signal('SIGTERM')
  expect(existsSync(note) || existsSync(staged)).toBe(false)
  expect(readFileSync(join(b.dataDir, 'server/token'), 'utf8')).toMatch(/::server:brought\n$/)
  expect(readFileSync(join(b.dataDir, 'server/before-1/token'), 'utf8')).toBe('before')
  expect(await must('openssl', ['x509', '-noout', '-ext', 'subjectAltName', '-in', join(b.dataDir, 'server/tls/serving-kube-apiserver.crt')])).toContain('kubernetes.default.svc.brought.example')
  writeFileSync(join(b.directory, 'config.yaml'), '')
})

test('a damaged database: the last good copy is named, and taken with --auto-recover; what was damaged is kept', async () => {
  const copies = join(b.dataDir, 'server/db/snapshots')
  mkdirSync(copies, { recursive: true })
  await b.startApi()
  await b.apply(configMap('precious'))
  const revision = await revisionOf(b, 'precious')
  await backup(b, join(copies, `state-20260601T000000Z-r${revision}-aaaaaaaaaaaa.tar.gz`))
  writeFileSync(join(copies, `state-20260601T000000Z-r${revision + 1}-bbbbbbbbbbbb.tar.gz`), readFileSync(archive).subarray(0, -100))
  expect(await must(binary, ['backup', ...place(b), '--list'])).toMatch(/^COPY +MADE +REVISION +SIZE\n.*bbbb.*\n.*aaaa.*\n$/)
  await b.signal('SIGTERM')
  const database = join(b.dataDir, 'server/db/state.db')
  const file = openSync(database, 'r+')
  writeSync(file, Buffer.alloc(statSync(database).size - 8192, 'damage'), 0, undefined, 4096)
  closeSync(file)
  const damaged = readFileSync(database)

  b.spawn()
  expect(await b.exited()).toBe(1)
  expect(b.log().trim().split('\n').at(-1)).toMatch(new RegExp(`^mk8s: database ${database} is damaged .*; the last good copy is ${copies}/state-.*-aaaaaaaaaaaa\\.tar\\.gz, made \\d+ days ago; to begin with an empty cluster, move ${database}\\* and ${b.dataDir}/node-name away$`))
  expect(readFileSync(database).equals(damaged)).toBe(true)

  b.flags = [...b.flags, '--auto-recover']
  await b.startApi()
  expect((await b.kubectl(['get', 'configmap', 'precious'])).code).toBe(0)
  await b.apply(configMap('next'))
  expect(await revisionOf(b, 'next')).toBeGreaterThan(revision + 1e9)
  const aside = /damaged=(\S+)/.exec(b.log())![1]!
  expect(readFileSync(join(aside, 'db/state.db')).equals(damaged)).toBe(true)
})

/** Its mk8s lives thirty times as fast. */
class HastyBox extends Box {
  override readonly binary = join(this.directory, 'mk8s')

  override async open(): Promise<this> {
    const library = (await must('sh', ['-c', 'ls /usr/lib/*/faketime/libfaketimeMT.so.1'])).trim()
    writeFileSync(this.binary, `#!/bin/sh\nexec env LD_PRELOAD=${library} FAKETIME='+0 x30' NO_FAKE_STAT=1 ${binary} "$@"\n`)
    chmodSync(this.binary, 0o755)
    return super.open()
  }
}

test('copies are made by schedule when something has changed, the first soon after the first start, and as many are kept as were asked for', async () => {
  const hasty = new HastyBox(['--disable-agent', '--etcd-snapshot-schedule-cron', '@every 2m', '--etcd-snapshot-retention', '1'])
  try {
    await hasty.open()
    await hasty.startApi()
    const copies = () => readdirSync(join(hasty.dataDir, 'server/db/snapshots')).filter((name) => name.endsWith('.tar.gz')).sort()
    await eventually('the first copy', async () => copies().length === 1, 60)
    const first = copies()
    await hasty.apply(configMap('one'))
    await eventually('a newer one in its place', async () => copies().length === 1 && copies()[0] !== first[0], 60)
  } finally {
    await hasty.close()
  }
})
