// What every driver of `ContainerRuntime` promises, run against each of them and against the fake.
import { existsSync, mkdirSync, readFileSync, renameSync } from 'node:fs'
import { dirname } from 'node:path'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ContainerRuntime, ContainerSpec, RuntimeEvent, SandboxSpec } from './container-runtime.ts'

interface RuntimeUnderTest {
  runtime: ContainerRuntime
  /** A reference that is present, with a shell at /bin/sh. */
  image: string
  logDirectory: string
  /** False for the fake: its containers run no commands. */
  real: boolean
  /** The driver as after a restart of mk8s. */
  reopen(): Promise<ContainerRuntime>
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
      if (under.real) expect(existsSync(`/proc/${await runtime.sandboxProcess(id)}`)).toBe(true)
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
      const common = { readonly: true, propagation: 'private' as const }
      const { id: imageId } = (await runtime.imageStatus(under.image))!
      const mounts = [{ ...common, image: under.image, containerPath: '/volume', hostPath: '' }, { ...common, image: imageId, containerPath: '/part', hostPath: 'bin' }]
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

    /** What a container leaves that runs to its end. */
    async function finished(id: string) {
      for (;;) {
        const status = await runtime.containerStatus(id)
        if (status.state === 'exited') return status
        await sleep(100)
      }
    }

    async function output(sandbox: { spec: SandboxSpec; id: string }, containerName: string, script: string, overrides: Partial<ContainerSpec> = {}) {
      mkdirSync(dirname(`${sandbox.spec.logDirectory}/${containerName}/0.log`), { recursive: true })
      const status = await finished(await startContainer(sandbox, containerName, script, overrides))
      return { status, log: readFileSync(status.logPath, 'utf8') }
    }

    const entries = (log: string) => log.trimEnd().split('\n').map((line) => /^(\d{4}-\d\d-\d\dT[\d:]{8}\.\d+(?:Z|[+-][\d:]{5})) (stdout|stderr) ([FP]) (.*)$/.exec(line)!)
    const words = (log: string) => entries(log).map(([, , , , content]) => content)

    it('writes what a container says as lines of the log format', async () => {
      if (!under.real) return
      const sandbox = await startSandbox('logs')
      const { log, status } = await output(sandbox, 'main', 'echo one; echo two >&2; sleep 0.1; head -c 20000 /dev/zero | tr "\\0" x; echo; sleep 0.1; echo -n rest; exit 9')
      expect(status).toMatchObject({ exitCode: 9, reason: 'Error' })
      const found = entries(log)
      expect(found.filter(([, , stream]) => stream === 'stderr').map(([, , , tag, content]) => [tag, content])).toEqual([['F', 'two']])
      expect(found.filter(([, , stream]) => stream === 'stdout').map(([, , , tag, content]) => [tag, content!.length])).toEqual([['F', 3], ['P', 16384], ['F', 3616], ['P', 4]])
      const times = found.map(([, time]) => Date.parse(time!))
      expect([...times].sort()).toEqual(times)
      await runtime.removeSandbox(sandbox.id)
    })

    it('goes on in a new file when the log was put aside, and loses nothing', async () => {
      if (!under.real) return
      const sandbox = await startSandbox('rotated')
      const path = `${sandbox.spec.logDirectory}/main/0.log`
      mkdirSync(dirname(path), { recursive: true })
      const id = await startContainer(sandbox, 'main', 'i=0; while [ $i -lt 400 ]; do echo $i; i=$((i+1)); [ $((i%20)) = 0 ] && sleep 0.1; done')
      const linesOf = (file: string) => readFileSync(file, 'utf8').split('\n').length - 1
      while (linesOf(path) < 40) await sleep(50)
      renameSync(path, `${path}.1`)
      await runtime.reopenLog(id)
      while (linesOf(path) < 40) await sleep(50)
      await finished(id)
      expect([...words(readFileSync(`${path}.1`, 'utf8')), ...words(readFileSync(path, 'utf8'))]).toEqual(Array.from({ length: 400 }, (_, n) => String(n)))
      await expect(runtime.reopenLog(id)).rejects.toMatchObject({ name: 'RuntimeError' })
      await runtime.removeSandbox(sandbox.id)
    })

    it('gives a process its user, groups, capabilities, environment and directory', async () => {
      if (!under.real) return
      const sandbox = await startSandbox('identity')
      const script = 'exec 2>&1; id -u; id -g; id -G; echo $GREETING $HOSTNAME; pwd; echo $0 $1; while read line; do case $line in CapBnd*|NoNewPrivs*|Seccomp:*) echo $line;; esac; done < /proc/self/status; cat /proc/sys/kernel/hostname; echo x > /file'
      const { log } = await output(sandbox, 'main', script, {
        args: ['zero', 'one'], workingDir: '/tmp/deep',
        security: { runAsUser: 1000, runAsGroup: 2000, supplementalGroups: [3000], noNewPrivileges: true, readonlyRootfs: true, capabilities: { add: ['NET_ADMIN'], drop: ['ALL'] }, seccomp: { type: 'RuntimeDefault' } },
      })
      const said = words(log)
      expect(said.slice(0, 4)).toEqual(['1000', '2000', '2000 3000', expect.stringMatching(/^hello \S+$/)])
      expect(said.slice(4, 9)).toEqual(['/tmp/deep', 'zero one', 'CapBnd: 0000000000001000', 'NoNewPrivs: 1', 'Seccomp: 2'])
      expect(said.at(-1)).toMatch(/Read-only file system/)
      await runtime.removeSandbox(sandbox.id)
    })

    it('confines a container to what its pod gives it', async () => {
      if (!under.real) return
      const sandbox = await startSandbox('confined', { namespaces: { network: 'node', pid: 'pod', ipc: 'pod' }, sysctls: { 'kernel.shm_rmid_forced': '1' } })
      const script = [
        'while read -r what where type options rest; do case $where in /dev/shm|/proc/bus|/proc/meminfo|/given|/etc/hosts|/sys) echo "$where $type $options";; esac; done </proc/mounts >/dev/shm/mounts',
        'cat /proc/1/cmdline | tr "\\0" " "; echo; cat /proc/self/oom_score_adj /proc/sys/kernel/shm_rmid_forced; head -c 1 /proc/meminfo | wc -c; test -c /dev/given && (: >/dev/given) 2>/dev/null || echo no writing',
        'cd /sys/fs/cgroup; cat memory/memory.limit_in_bytes memory.max memory/memory.memsw.limit_in_bytes memory.swap.max 2>/dev/null; cat cpu/cpu.cfs_quota_us cpu.max cpuset/cpuset.cpus cpuset.cpus 2>/dev/null',
        'echo ---; cat /dev/shm/mounts',
      ].join('\n')
      const { log, status } = await output(sandbox, 'main', script, {
        resources: { memoryLimitBytes: 64 << 20, cpuPeriod: 100_000, cpuQuota: 20_000, cpusetCpus: '0', oomScoreAdj: 900 }, devices: [{ hostPath: '/dev/kmsg', containerPath: '/dev/given', permissions: 'r' }],
        mounts: [{ hostPath: under.logDirectory, containerPath: '/given', readonly: true, propagation: 'private' }],
        security: { readonlyRootfs: true, maskedPaths: ['/proc/meminfo'], readonlyPaths: ['/proc/bus'], seccomp: { type: 'RuntimeDefault' } },
      })
      expect(status.exitCode).toBe(0)
      const said = words(log)
      expect(said.slice(0, 5)).toEqual([expect.stringMatching(/pause/), '900', '1', '0', 'no writing'])
      const version2 = existsSync('/sys/fs/cgroup/cgroup.controllers')
      const swap = version2 ? ['0'] : existsSync('/sys/fs/cgroup/memory/memory.memsw.limit_in_bytes') ? [`${64 << 20}`] : []
      expect(said.slice(5, said.indexOf('---'))).toEqual([`${64 << 20}`, ...swap, ...(version2 ? ['20000 100000'] : ['20000']), '0'])
      const mounts = new Map(said.slice(said.indexOf('---') + 1).map((line) => [line!.split(' ')[0], line]))
      expect(mounts.get('/dev/shm')).toMatch(/^\S+ tmpfs rw,.*size=65536k/)
      for (const path of ['/proc/bus', '/given', '/etc/hosts', '/sys']) expect(mounts.get(path)).toMatch(/^\S+ \S+ ro/)
      await runtime.removeSandbox(sandbox.id)
    })

    it('keeps the volumes of an image beside the layers of the container, with what the image has there', async () => {
      if (!under.real) return
      const sandbox = await startSandbox('volumes')
      const script = 'cat /data/seed; ls -l /data; echo more >/data/more && echo even >/new/file && cat /data/more /new/file'
      for (const name of ['first', 'second']) {
        const { log } = await output(sandbox, name, script, { security: { readonlyRootfs: true } })
        expect(words(log)).toEqual(['sown', expect.stringMatching(/^total/), expect.stringMatching(/^-rw-r-----\s.*seed$/), 'more', 'even'])
      }
      const { log } = await output(sandbox, 'own', 'ls /data', { mounts: [{ hostPath: under.logDirectory, containerPath: '/data', readonly: true, propagation: 'private' }] })
      expect(words(log)).toContain('volumes')
      await runtime.removeSandbox(sandbox.id)
    })

    it('says when memory was the reason', async () => {
      if (!under.real) return
      const sandbox = await startSandbox('greedy')
      const { status } = await output(sandbox, 'main', 'x=x; while :; do x=$x$x; done', { resources: { memoryLimitBytes: 16 << 20, oomScoreAdj: 1000 } })
      expect(status).toMatchObject({ exitCode: 137, reason: 'OOMKilled' })
      await runtime.removeSandbox(sandbox.id)
    })

    it('tells a command that cannot be run from one that fails', async () => {
      if (!under.real) return
      const sandbox = await startSandbox('no-command')
      const id = await runtime.createContainer(sandbox.id, containerSpec('main', under.image, '', { command: ['/no/such/program'] }), sandbox.spec)
      await expect(runtime.startContainer(id)).rejects.toThrow(/no such file or directory/)
      expect(await runtime.containerStatus(id)).toMatchObject({ state: 'exited', exitCode: 128, reason: 'StartError', message: expect.stringMatching(/no such file or directory/) })
      const running = await startContainer(sandbox, 'other')
      await expect(runtime.execSync(running, ['/no/such/program'], 10)).rejects.toThrow(/no such file or directory/)
      await runtime.removeSandbox(sandbox.id)
    })

    it('gives a terminal, its size and the way in to whoever attaches', async () => {
      if (!under.real) return
      const sandbox = await startSandbox('terminal')
      const id = await startContainer(sandbox, 'main', 'read go; stty size; read name; echo "[$name]"; exit 4', { tty: true, stdin: true, stdinOnce: true })
      const streams = await runtime.attach(id, { stdin: true, stdout: true, stderr: false, tty: true })
      streams.resize({ width: 91, height: 17 })
      await sleep(300)
      streams.stdin!.write('go\nmk8s\n')
      const shown = await text(streams.stdout!)
      expect(shown).toContain('17 91')
      expect(shown).toContain('[mk8s]')
      expect((await finished(id)).exitCode).toBe(4)
      streams.close()
      await runtime.removeSandbox(sandbox.id)
    })

    it('feeds the standard input of a container once', async () => {
      if (!under.real) return
      const sandbox = await startSandbox('input')
      const id = await startContainer(sandbox, 'main', 'cat; echo end >&2', { stdin: true, stdinOnce: true })
      const streams = await runtime.attach(id, { stdin: true, stdout: true, stderr: true, tty: false })
      streams.stdin!.end('from outside\n')
      expect(await Promise.all([text(streams.stdout!), text(streams.stderr!)])).toEqual(['from outside\n', 'end\n'])
      const status = await finished(id)
      expect(status.exitCode).toBe(0)
      expect(words(readFileSync(status.logPath, 'utf8')).sort()).toEqual(['end', 'from outside'])
      streams.close()
      await runtime.removeSandbox(sandbox.id)
    })

    it('gives an executed command a terminal', async () => {
      if (!under.real) return
      const sandbox = await startSandbox('exec-terminal')
      const id = await startContainer(sandbox, 'main')
      const streams = await runtime.exec(id, ['/bin/sh', '-c', 'read go; stty size; test -t 0 && echo $TERM; exit 6'], { stdin: true, stdout: true, stderr: true, tty: true })
      streams.resize({ width: 77, height: 11 })
      await sleep(300)
      streams.stdin!.write('go\n')
      expect(await text(streams.stdout!)).toMatch(/11 77\r\nxterm\r\n$/)
      expect(await streams.exit).toBe(6)
      streams.close()
      await runtime.removeSandbox(sandbox.id)
    })

    it('connects to a port of the sandbox', async () => {
      if (!under.real) return
      const sandbox = await startSandbox('ports')
      const port = 20_000 + Math.floor(Math.random() * 10_000)
      await startContainer(sandbox, 'main', `exec httpd -f -p 127.0.0.1:${port} -h /bin`)
      const ask = async () => {
        const connection = await runtime.portForward(sandbox.id, port)
        connection.on('error', () => undefined)
        connection.write('GET /none HTTP/1.0\r\n\r\n')
        return text(connection).finally(() => connection.destroy())
      }
      let answer = ''
      for (let tries = 0; answer === '' && tries < 50; tries++) {
        answer = await ask().catch(() => '')
        if (answer === '') await sleep(100)
      }
      expect(answer).toMatch(/^HTTP\/1\.[01] 404 /)
      await runtime.removeSandbox(sandbox.id)
    })

    it('knows after a restart what went on without it', async () => {
      const sandbox = await startSandbox('restart')
      mkdirSync(dirname(`${sandbox.spec.logDirectory}/ends/0.log`), { recursive: true })
      mkdirSync(dirname(`${sandbox.spec.logDirectory}/stays/0.log`), { recursive: true })
      const [stays, ends] = [await startContainer(sandbox, 'stays', 'i=0; while :; do echo $i; i=$((i+1)); sleep 0.01; done'), await startContainer(sandbox, 'ends', 'sleep 1; exit 11')]
      const before = await runtime.containerStatus(stays)
      await runtime.close()
      await sleep(under.real ? 2000 : 0)
      runtime = under.runtime = await under.reopen()
      expect(await runtime.sandboxStatus(sandbox.id)).toMatchObject({ ready: true, name: 'restart', labels: { test: 'contract' } })
      expect(await runtime.containerStatus(stays)).toEqual(before)
      if (under.real) {
        expect(await runtime.containerStatus(ends)).toMatchObject({ state: 'exited', exitCode: 11, reason: 'Error' })
        await runtime.stopContainer(stays, 0)
        const said = words(readFileSync(before.logPath, 'utf8'))
        expect(said).toEqual(said.map((_, n) => String(n)))
        expect(said.length).toBeGreaterThan(50)
      }
      await runtime.removeSandbox(sandbox.id)
    })
  })
}
