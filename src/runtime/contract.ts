// What every driver of `ContainerRuntime` promises, run against each of them and against the fake.
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ContainerRuntime, ContainerSpec, RuntimeEvent, SandboxSpec } from './container-runtime.ts'

interface RuntimeUnderTest {
  runtime: ContainerRuntime
  /** A reference that is present, with a shell at /bin/sh. */
  image: string
  logDirectory: string
  /** False for the fake: its containers run no commands. */
  real: boolean
  close(): Promise<void>
}

export function sandboxSpec(name: string, logDirectory: string, overrides: Partial<SandboxSpec> = {}): SandboxSpec {
  return {
    name, namespace: 'contract', uid: `uid-${name}`, attempt: 0, hostname: name, logDirectory, labels: { test: 'contract' }, annotations: { note: 'kept' },
    portMappings: [], cgroupParent: '', sysctls: {}, namespaces: { network: 'node', pid: 'container', ipc: 'pod' }, security: {}, runtimeHandler: '', ...overrides,
  }
}

export function containerSpec(name: string, image: string, script: string, overrides: Partial<ContainerSpec> = {}): ContainerSpec {
  return {
    name, attempt: 0, image, command: ['/bin/sh', '-c', script], args: [], workingDir: '', env: [{ key: 'GREETING', value: 'hello' }], mounts: [], devices: [],
    labels: { role: name }, annotations: {}, logPath: `${name}/0.log`, stdin: false, stdinOnce: false, tty: false, resources: {}, security: {}, ...overrides,
  }
}

const forever = 'trap "exit 3" TERM; while :; do sleep 1 & wait $!; done'

export function runtimeContract(name: string, open: () => Promise<RuntimeUnderTest>): void {
  describe(`the runtime contract: ${name}`, () => {
    let under: RuntimeUnderTest
    let runtime: ContainerRuntime
    beforeAll(async () => ({ runtime } = under = await open()))
    afterAll(() => under?.close())

    async function startSandbox(sandboxName: string, overrides: Partial<SandboxSpec> = {}) {
      const spec = sandboxSpec(sandboxName, `${under.logDirectory}/${sandboxName}`, overrides)
      return { spec, id: await runtime.runSandbox(spec) }
    }

    async function startContainer(sandbox: { spec: SandboxSpec; id: string }, containerName: string, script = forever, overrides: Partial<ContainerSpec> = {}) {
      const id = await runtime.createContainer(sandbox.id, containerSpec(containerName, under.image, script, overrides), sandbox.spec)
      await runtime.startContainer(id)
      return id
    }

    it('is ready and says who it is', async () => {
      const info = await runtime.info()
      expect(info).toMatchObject({ ready: true, apiVersion: 'v1' })
      expect(info.name).not.toBe('')
    })

    it('runs a sandbox and lists it with all that it was given', async () => {
      const { id } = await startSandbox('listed')
      const listed = (await runtime.listSandboxes()).find((s) => s.id === id)
      expect(listed).toMatchObject({ ready: true, name: 'listed', namespace: 'contract', uid: 'uid-listed', attempt: 0, labels: { test: 'contract' }, annotations: { note: 'kept' } })
      expect(await runtime.sandboxStatus(id)).toMatchObject({ id, ready: true, ips: [] })
      await runtime.removeSandbox(id)
      expect((await runtime.listSandboxes()).some((s) => s.id === id)).toBe(false)
    })

    it('takes a container through created, running, exited', async () => {
      const sandbox = await startSandbox('life')
      const id = await runtime.createContainer(sandbox.id, containerSpec('main', under.image, forever), sandbox.spec)
      expect(await runtime.containerStatus(id)).toMatchObject({ state: 'created', startedAt: 0, finishedAt: 0 })
      await runtime.startContainer(id)
      const running = await runtime.containerStatus(id)
      expect(running).toMatchObject({ state: 'running', name: 'main', sandboxId: sandbox.id, labels: { role: 'main' }, finishedAt: 0 })
      expect(running.startedAt).toBeGreaterThan(0)
      expect(running.logPath).toBe(`${sandbox.spec.logDirectory}/main/0.log`)
      expect((await runtime.listContainers()).find((c) => c.id === id)).toMatchObject({ state: 'running', name: 'main', imageId: running.imageId })
      await runtime.stopContainer(id, 20)
      const exited = await runtime.containerStatus(id)
      expect(exited).toMatchObject({ state: 'exited', exitCode: under.real ? 3 : 0 })
      expect(exited.finishedAt).toBeGreaterThanOrEqual(exited.startedAt)
      await runtime.removeContainer(id)
      await expect(runtime.containerStatus(id)).rejects.toMatchObject({ code: 'NotFound' })
      await runtime.removeSandbox(sandbox.id)
    })

    it('kills at once without grace', async () => {
      const sandbox = await startSandbox('kill')
      const id = await startContainer(sandbox, 'main')
      await runtime.stopContainer(id, 0)
      expect(await runtime.containerStatus(id)).toMatchObject({ state: 'exited', exitCode: 137, reason: 'Error' })
      await runtime.removeSandbox(sandbox.id)
    })

    it('ends and removes containers with their sandbox', async () => {
      const sandbox = await startSandbox('whole')
      const id = await startContainer(sandbox, 'main')
      await runtime.stopSandbox(sandbox.id)
      expect(await runtime.sandboxStatus(sandbox.id)).toMatchObject({ ready: false })
      expect((await runtime.containerStatus(id)).state).toBe('exited')
      await expect(runtime.createContainer(sandbox.id, containerSpec('late', under.image, forever), sandbox.spec)).rejects.toMatchObject({ name: 'RuntimeError' })
      await runtime.removeSandbox(sandbox.id)
      await expect(runtime.containerStatus(id)).rejects.toMatchObject({ code: 'NotFound' })
      await expect(runtime.sandboxStatus(sandbox.id)).rejects.toMatchObject({ code: 'NotFound' })
    })

    it('lets go of what is already gone', async () => {
      const gone = 'f'.repeat(64)
      await runtime.stopContainer(gone, 1)
      await runtime.removeContainer(gone)
      await runtime.stopSandbox(gone)
      await runtime.removeSandbox(gone)
      await runtime.removeImage('localhost/no/such:image')
      expect(await runtime.imageStatus('localhost/no/such:image')).toBeUndefined()
    })

    it('refuses an image that is not there', async () => {
      const sandbox = await startSandbox('imageless')
      const spec = containerSpec('main', 'localhost/no/such:image', forever)
      await expect(runtime.createContainer(sandbox.id, spec, sandbox.spec)).rejects.toMatchObject({ code: 'NotFound' })
      await runtime.removeSandbox(sandbox.id)
    })

    it('knows its images', async () => {
      const image = await runtime.imageStatus(under.image)
      expect(image).toMatchObject({ id: expect.stringMatching(/^sha256:/) })
      expect(image!.sizeBytes).toBeGreaterThan(0)
      const listed = await runtime.listImages()
      expect(listed.find((i) => i.id === image!.id)).toMatchObject({ pinned: false })
      if (under.real) expect(listed.filter((i) => i.pinned)).toHaveLength(1)
      expect((await runtime.imageFilesystem()).mountpoint).toMatch(/^\//)
    })

    it('runs a command in a container', async () => {
      const sandbox = await startSandbox('exec')
      const id = await startContainer(sandbox, 'main')
      const result = await runtime.execSync(id, ['/bin/sh', '-c', 'echo out; echo err >&2; exit 7'], 20)
      if (under.real) expect({ code: result.exitCode, out: `${result.stdout}`, err: `${result.stderr}` }).toEqual({ code: 7, out: 'out\n', err: 'err\n' })
      if (under.real) await expect(runtime.execSync(id, ['/bin/sleep', '60'], 1)).rejects.toMatchObject({ code: 'DeadlineExceeded' })
      await runtime.removeSandbox(sandbox.id)
      await expect(runtime.execSync(id, ['/bin/true'], 1)).rejects.toMatchObject({ code: 'NotFound' })
    })

    it('counts what running containers use', async () => {
      const sandbox = await startSandbox('stats')
      const id = await startContainer(sandbox, 'main')
      const stats = (await runtime.containerStats()).find((s) => s.containerId === id)
      expect(stats).toMatchObject({ name: 'main', sandboxId: sandbox.id })
      if (under.real) expect(stats!.memoryUsageBytes).toBeGreaterThan(0)
      await runtime.removeSandbox(sandbox.id)
    })

    it('tells of containers that start and stop', async () => {
      const seen: RuntimeEvent[] = []
      let wake = () => {}
      const subscription = runtime.events((event) => (seen.push(event), wake()), () => wake())
      if (!subscription) return
      const until = async (type: RuntimeEvent['type'], id: string) => {
        while (!seen.some((e) => e.type === type && e.id === id)) await new Promise<void>((resolve) => (wake = resolve))
      }
      const sandbox = await startSandbox('events')
      const id = await startContainer(sandbox, 'main')
      await until('container-started', id)
      await runtime.stopContainer(id, 0)
      await until('container-stopped', id)
      await runtime.stopSandbox(sandbox.id)
      await until('sandbox-stopped', sandbox.id)
      await runtime.removeSandbox(sandbox.id)
      await until('container-deleted', id)
      subscription.stop()
    })

    it('mounts an image as a volume', async () => {
      if (!(await runtime.info()).features.imageVolumes) return
      const sandbox = await startSandbox('image-volume')
      const common = { readonly: true, propagation: 'private' as const, image: under.image }
      const mounts = [{ ...common, containerPath: '/volume', hostPath: '' }, { ...common, containerPath: '/part', hostPath: 'bin' }]
      const id = await startContainer(sandbox, 'main', forever, { mounts })
      const result = await runtime.execSync(id, ['/bin/sh', '-c', 'test -x /volume/bin/busybox && test -x /part/busybox && ! touch /volume/x'], 20)
      expect(result.exitCode).toBe(0)
      await runtime.removeSandbox(sandbox.id)
    })

    it('streams an interactive command', async () => {
      const sandbox = await startSandbox('interactive')
      const id = await startContainer(sandbox, 'main')
      const streams = await runtime.exec(id, ['/bin/sh', '-c', 'cat; exit 5'], { stdin: true, stdout: true, stderr: true, tty: false })
      streams.stdin!.end('through the pipe\nexit 5\n')
      expect(await text(streams.stdout!)).toBe('through the pipe\nexit 5\n')
      expect(await streams.exit).toBe(5)
      streams.close()
      await runtime.removeSandbox(sandbox.id)
    })
  })
}
