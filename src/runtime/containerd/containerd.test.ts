import { appendFileSync, copyFileSync, existsSync, globSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { run } from '../../base/child-process.ts'
import { systemClock } from '../../base/clock.ts'
import { silentLogger } from '../../base/logger.ts'
import { openCriRuntime } from '../cri/driver.ts'
import { containerSpec, sandboxSpec } from '../contract.ts'
import { endProcess, readPid, rotateLog } from './component.ts'
import { renderConfig } from './config.ts'
import { childrenFirst, lostContent, removeSnapshots } from './distrusted.ts'
import { findPrograms, hasCapability, parseVersion } from './host.ts'
import { createImageMounts } from './image-mounts.ts'
import { importImages, listImages, removeImage } from './images.ts'
import { importDirectory } from './laid-down-images.ts'
import { noteHeld, removeUnknown } from './leftovers.ts'
import { containerdPaths } from './paths.ts'
import { credentialsOf, renderHosts, type RegistriesFile } from './registries.ts'
import { canRunContainers, startTestContainerd, testImage } from './test-containerd.ts'
import { leftMarks, markUnpacking } from './unpacking.ts'

describe('what the machine tells', () => {
  it.each([
    ['CapEff:\t000001ffffffffff', true],
    ['CapEff:\t000001fffeffffff', false],
    ['', false],
  ])('a capability in %j: %s', (status, expected) => expect(hasCapability(status, 24n)).toBe(expected))

  it.each([
    ['containerd github.com/containerd/containerd 1.6.20~ds1 1.6.20~ds1-1+deb12u3', { text: '1.6.20~ds1', major: 1, minor: 6 }],
    ['containerd github.com/containerd/containerd/v2 v2.1.4 75cb2b7193e4', { text: '2.1.4', major: 2, minor: 1 }],
    ['nonsense', undefined],
  ])('a version in %j', (line, expected) => expect(parseVersion(line)).toEqual(expected))
})

describe('the configuration', () => {
  const facts = {
    paths: containerdPaths('/data'), programs: { runc: '/usr/sbin/runc', cni: '/usr/lib/cni' }, snapshotter: 'overlayfs', pauseImage: 'pause:1', credentials: [{ host: 'r:5000', username: 'u', password: 'p"w' }], criPlugin: true,
    host: { canRaiseOomScore: false, hasAppArmor: false, hasSystemd: true, cgroupVersion: 2 as const, limitsSwap: true },
  }

  it('follows the machine', () => {
    const limited = renderConfig(facts)
    expect(limited).toContain('restrict_oom_score_adj = true')
    expect(limited).toContain('disable_apparmor = true')
    expect(limited).toContain('[plugins."io.containerd.grpc.v1.cri".registry.configs."r:5000".auth]\nusername = "u"\npassword = "p\\"w"\n')
    const full = renderConfig({ ...facts, host: { canRaiseOomScore: true, hasAppArmor: true, hasSystemd: true, cgroupVersion: 1, limitsSwap: true } })
    for (const line of ['oom_score = -999', 'restrict_oom_score_adj = false', 'disable_apparmor = false', 'SystemdCgroup = false', '[plugins."io.containerd.nri.v1.nri"]\ndisable = true']) expect(full).toContain(line)
  })

  it('has a state directory of its own for each data directory', () => {
    expect(containerdPaths('/var/lib/mk8s/').socket).toBe('/run/mk8s/containerd/containerd.sock')
    expect(containerdPaths('/a').socket).not.toBe(containerdPaths('/b').socket)
  })

  it('takes registries in the format of k3s', () => {
    const file = parse(`
mirrors:
  docker.io: { endpoint: ["https://mirror:5000"] }
  "*": { endpoint: ["http://any"] }
configs:
  "mirror:5000": { auth: { username: u, password: p }, tls: { ca_file: /ca, insecure_skip_verify: true } }
`) as RegistriesFile
    expect(Object.fromEntries(renderHosts(file))).toEqual({
      'docker.io': 'server = "https://registry-1.docker.io"\n\n[host."https://mirror:5000"]\n  capabilities = ["pull", "resolve"]\n  ca = "/ca"\n  skip_verify = true\n',
      _default: '\n[host."http://any"]\n  capabilities = ["pull", "resolve"]\n',
      'mirror:5000': 'server = "https://mirror:5000"\n  ca = "/ca"\n  skip_verify = true\n',
    })
    expect(credentialsOf(file)).toEqual([{ host: 'mirror:5000', username: 'u', password: 'p' }])
  })
})

it('cuts a log off when it has grown too long', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'mk8s-rotate-'))
  const path = join(directory, 'containerd.log')
  await rotateLog(path)
  writeFileSync(path, '0123456789')
  await rotateLog(path, 10)
  expect(existsSync(`${path}.1`)).toBe(false)
  appendFileSync(path, 'x')
  await rotateLog(path, 10)
  expect([readFileSync(path, 'utf8'), readFileSync(`${path}.1`, 'utf8')]).toEqual(['', '0123456789x'])
  rmSync(directory, { recursive: true })
})

describe('what is being unpacked', () => {
  it('is marked until it is synced; marks of another boot are distrusted, those of ended processes only synced', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'mk8s-unpacking-'))
    const paths = { root: directory, unpacking: join(directory, 'unpacking') }
    try {
      const mark = markUnpacking(paths)
      const [name] = readdirSync(paths.unpacking)
      const dead = name!.replace(`.${process.pid}.`, '.999999999.')
      writeFileSync(join(paths.unpacking, dead), '')
      expect(leftMarks(paths)).toEqual({ distrusted: [], unsynced: [dead] })
      expect(leftMarks(paths, 'the next boot').distrusted.sort()).toEqual([dead, name].sort())
      await mark.settle()
      expect(readdirSync(paths.unpacking)).toEqual([dead])
    } finally {
      rmSync(directory, { recursive: true })
    }
  })

  it('is removed children first', () => {
    expect(childrenFirst('KEY      PARENT   KIND      \nsha:a             Committed \nsha:b    sha:a    Committed \nc1       sha:b    Active    \n')).toEqual(['c1', 'sha:b', 'sha:a'])
  })

  it('needs what was downloaded: an index needs what its manifests need', () => {
    const table = `DIGEST SIZE AGE LABELS
sha256:1d 425B 3 seconds containerd.io/gc.ref.content.m.0=sha256:2d,containerd.io/gc.ref.content.m.1=sha256:3d
sha256:2d 1kB 3 seconds containerd.io/gc.ref.content.config=sha256:4d,containerd.io/gc.ref.content.l.0=sha256:5d
sha256:4d 1kB 3 seconds containerd.io/gc.ref.snapshot.overlayfs=sha256:6d
sha256:5d 1MB 3 seconds containerd.io/uncompressed=sha256:6d
sha256:6d 1MB 3 seconds -
sha256:7d 1kB 3 seconds containerd.io/gc.ref.content.l.0=sha256:6d
`
    expect(lostContent(table, () => true)).toEqual({ lost: [], needing: new Set() })
    expect(lostContent(table, (digest) => digest !== 'sha256:5d')).toEqual({ lost: ['sha256:5d'], needing: new Set(['sha256:1d', 'sha256:2d', 'sha256:5d']) })
    expect(lostContent(table, (digest) => digest !== 'sha256:6d').needing).toEqual(new Set(['sha256:6d', 'sha256:7d']))
  })

  it('is removed also when containerd collects some of it meanwhile, and a failure that stays is told', async () => {
    let there = ['a', 'b', 'c']
    const list = () => ({ code: 0, stdout: `KEY PARENT KIND\n${there.map((key) => `${key} Committed\n`).join('')}`, stderr: '' })
    await removeSnapshots(async (what, ...keys) => {
      if (what === 'list') return list()
      if (there.length === 3) {
        there = ['c']
        return { code: 1, stdout: '', stderr: 'ctr: snapshot b does not exist: not found' }
      }
      there = there.filter((key) => !keys.includes(key))
      return { code: 0, stdout: '', stderr: '' }
    })
    expect(there).toEqual([])
    there = ['held']
    await expect(removeSnapshots(async (what) => (what === 'list' ? list() : { code: 1, stdout: '', stderr: 'ctr: held is busy' }))).rejects.toThrow('unpacked images could not be removed: ctr: held is busy')
    await expect(removeSnapshots(async () => ({ code: 1, stdout: '', stderr: 'ctr: no answer' }))).rejects.toThrow('no answer')
  })
})

describe.runIf(canRunContainers)('containerd', () => {
  it('is adopted by the next start, comes back when it dies, and keeps its pods', async () => {
    const containerd = await startTestContainerd()
    const runtime = openCriRuntime({ endpoint: containerd.paths.socket })
    try {
      const sandbox = await runtime.runSandbox(sandboxSpec('kept', join(containerd.dataDirectory, 'logs')))
      const first = readPid(containerd.paths)!
      await containerd.running.stop(AbortSignal.timeout(1000))
      const again = await containerd.component.start(new AbortController().signal)
      expect(readPid(containerd.paths)).toBe(first)
      const lost = Promise.withResolvers<void>()
      const subscription = runtime.events(() => {}, () => readPid(containerd.paths) !== first && lost.resolve())!
      process.kill(first, 'SIGKILL')
      await lost.promise
      expect(readPid(containerd.paths)).not.toBe(first)
      expect(await runtime.sandboxStatus(sandbox)).toMatchObject({ ready: true, name: 'kept' })
      subscription.stop()
      await again.stop(AbortSignal.timeout(1000))
    } finally {
      await runtime.close()
      await containerd.stop()
    }
  })

  it('unpacks images anew when the power was cut while one was unpacked', async () => {
    const containerd = await startTestContainerd()
    const { paths, dataDirectory } = containerd
    const runtime = openCriRuntime({ endpoint: paths.socket })
    const says = async (name: string) => {
      const spec = sandboxSpec(name, join(dataDirectory, 'logs', name))
      const sandbox = await runtime.runSandbox(spec)
      const container = await runtime.createContainer(sandbox, containerSpec('c', testImage, 'sleep 100'), spec)
      await runtime.startContainer(container)
      return (await runtime.execSync(container, ['/bin/sh', '-c', 'echo whole'], 10)).stdout.toString()
    }
    try {
      expect(readdirSync(paths.unpacking)).toEqual([])
      expect(await says('before')).toBe('whole\n')
      for (const { id } of await runtime.listSandboxes()) await runtime.stopSandbox(id)
      await containerd.running.stop(AbortSignal.timeout(1000))
      await endProcess(readPid(paths)!, paths)
      const files = globSync(join(paths.root, 'io.containerd.snapshotter.v1.*/snapshots/*/**/bin/busybox'))
      expect(files.length).toBeGreaterThan(0)
      for (const file of files) truncateSync(file)
      writeFileSync(join(paths.unpacking, 'another-boot.1.x'), '')
      const again = await containerd.component.start(new AbortController().signal)
      expect(await says('after')).toBe('whole\n')
      expect(readdirSync(paths.unpacking)).toEqual([])
      await again.stop(AbortSignal.timeout(1000))
    } finally {
      await runtime.close()
      await containerd.stop()
    }
  })

  it('forgets images of which something was lost with the power, and they can be had again', async () => {
    const containerd = await startTestContainerd()
    const { paths, dataDirectory } = containerd
    const runtime = openCriRuntime({ endpoint: paths.socket })
    try {
      await containerd.running.stop(AbortSignal.timeout(1000))
      await endProcess(readPid(paths)!, paths)
      const blobs = globSync(join(paths.root, 'io.containerd.content.v1.content/blobs/sha256/*'))
      const layers = blobs.filter((file) => !readFileSync(file).subarray(0, 1).equals(Buffer.from('{')))
      expect(layers.length).toBeGreaterThan(1)
      for (const file of layers) rmSync(file)
      writeFileSync(join(paths.unpacking, 'another-boot.1.x'), '')
      const again = await containerd.component.start(new AbortController().signal)
      expect(await runtime.imageStatus(testImage)).toBeUndefined()
      expect(await importImages(paths, join(dataDirectory, 'busybox.tar'))).toEqual([testImage])
      const spec = sandboxSpec('again', join(dataDirectory, 'logs'))
      const sandbox = await runtime.runSandbox(spec)
      await runtime.startContainer(await runtime.createContainer(sandbox, containerSpec('c', testImage, 'sleep 100'), spec))
      await again.stop(AbortSignal.timeout(1000))
    } finally {
      await runtime.close()
      await containerd.stop()
    }
  })

  it('keeps an image that is mounted as a volume for as long as it is, over the end of containerd, and not beyond a reboot', async () => {
    const containerd = await startTestContainerd()
    const { paths, dataDirectory } = containerd
    const mounts = createImageMounts({ socket: paths.socket, directory: paths.imageMounts })
    const ctr = async (...args: string[]) => (await run('ctr', ['--address', paths.socket, '--namespace', 'k8s.io', ...args])).stdout
    try {
      const program = await mounts.mount('sandbox', testImage, 'bin/busybox')
      const lease = dirname(dirname(program))
      expect(await ctr('leases', 'list')).toMatch(new RegExp(`${lease} +\\S+ +containerd.io/gc.ref.snapshot.\\S+=${lease}\\s*$`, 'm'))
      await ctr('images', 'remove', '--sync', testImage)
      expect(statSync(program).size).toBeGreaterThan(100_000)
      const places = { paths, programs: findPrograms() }
      await removeUnknown(await noteHeld(places, { ...systemClock, now: () => Date.now() + 3000 }), places, silentLogger)
      expect(await ctr('leases', 'list')).toContain(lease)
      await run('umount', [lease])
      await removeUnknown(await noteHeld(places, { ...systemClock, now: () => Date.now() + 3000 }), places, silentLogger)
      expect(await ctr('leases', 'list')).not.toContain(lease)
      expect(await ctr('snapshots', 'list')).not.toContain(lease)
      await importImages(paths, join(dataDirectory, 'busybox.tar'))
      await mounts.mount('another', testImage, '')
      await mounts.release('another')
      expect(await ctr('leases', 'list')).not.toContain('another')
    } finally {
      await containerd.stop()
    }
  }, 180_000)

  it('reads an archive that is laid down once, and again when it is another or an image of it is gone', async () => {
    const containerd = await startTestContainerd()
    const { paths, dataDirectory } = containerd
    const imported: unknown[] = []
    const log = { ...silentLogger, info: (_message: string, facts?: Record<string, unknown>) => void imported.push(facts?.archive), error: (message: string, facts?: object) => expect.fail(`${message} ${JSON.stringify(facts)}`) }
    const start = async () => (await importDirectory(findPrograms().ctr, paths, log), imported.splice(0))
    try {
      const archive = join(paths.images, 'busybox.tar')
      mkdirSync(paths.images, { recursive: true })
      copyFileSync(join(dataDirectory, 'busybox.tar'), archive)
      const time = new Date(Date.now() - 60_000)
      utimesSync(archive, time, time)
      expect(await start()).toEqual(['busybox.tar'])
      // as long as it looks the same it is not opened
      const bytes = readFileSync(archive)
      writeFileSync(archive, Buffer.alloc(bytes.length))
      utimesSync(archive, time, time)
      expect(await start()).toEqual([])
      writeFileSync(archive, bytes)
      expect(await start()).toEqual(['busybox.tar'])
      await removeImage(paths.socket, testImage)
      expect(await start()).toEqual(['busybox.tar'])
      writeFileSync(paths.imported, 'torn')
      expect(await start()).toEqual(['busybox.tar'])
      expect(await start()).toEqual([])
    } finally {
      await containerd.stop()
    }
  }, 120_000)

  it('imports, lists and removes images', async () => {
    const containerd = await startTestContainerd()
    const { socket } = containerd.paths
    const names = async () => (await listImages(socket)).flatMap(({ repoTags }) => repoTags)
    try {
      expect(await names()).toContain(testImage)
      await removeImage(socket, testImage)
      expect(await names()).not.toContain(testImage)
      await expect(removeImage(socket, testImage)).rejects.toThrow(`image ${testImage} not found`)
      expect(await importImages(containerd.paths, join(containerd.dataDirectory, 'busybox.tar'))).toEqual([testImage])
      await expect(importImages(containerd.paths, '/no/such/file')).rejects.toThrow(/^\/no\/such\/file: .*no such file/)
    } finally {
      await containerd.stop()
    }
  })
})
