// --runtime-driver ctr: pods on a containerd of another program whose CRI plug-in is off, as Docker's packages ship it.
import { createHash } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { writeBusyboxImage } from '../../scripts/busybox-image.mjs'
import { binary, Box, eventually, kubectl } from './box.ts'
import { ForeignContainerd, nothing } from './foreign-containerd.ts'
import { image, pod, shell, Workbench } from './workbench.ts'

vi.setConfig({ testTimeout: 120_000 })
const box = new Box()
const bench = new Workbench(box)
const containerd = new ForeignContainerd(box)
const exec = (name: string, script: string) => box.k(['exec', name, '--', ...shell(script)])

beforeAll(async () => {
  await box.open()
  await containerd.start()
  box.flags = [...box.flags, '--runtime-driver', 'ctr', '--container-runtime-endpoint', containerd.socket]
  await box.start()
  writeBusyboxImage(join(box.directory, 'busybox.tar'), image)
  expect(await box.inside(binary, ['images', 'import', '--data-dir', box.dataDir, join(box.directory, 'busybox.tar')])).toBe(`${image}\n`)
}, 120_000)
afterAll(async () => {
  await box.tryInside(binary, ['killall', '--data-dir', box.dataDir])
  await containerd.close()
  await box.close()
}, 120_000)

test('the sample application answers under its Service', async () => {
  await box.k(['apply', '-f', new URL('../../samples/hello.yaml', import.meta.url).pathname])
  await box.k(['rollout', 'status', 'deployment/hello', '--timeout=60s'])
  const address = await bench.get('service', 'hello', '.spec.clusterIP')
  expect(await eventually('it answers', () => box.inside('curl', ['-sSf', '-m', '2', `http://${address}/`]))).toBe('hello from mk8s\n')
  expect(await box.inside(binary, ['images', 'list', '--data-dir', box.dataDir])).toMatch(/^mk8s\.io\/busybox:1 /m)
  expect(await box.k(['get', 'node', 'box', '-o', 'jsonpath={.status.nodeInfo.containerRuntimeVersion}'])).toMatch(/^containerd:\/\//)
})

test('terminals, input, logs, forwarded and host ports, limits', async () => {
  await bench.start({
    name: 'web', command: shell('echo started; echo page > /www/index.html; trap "exit 0" TERM; httpd -p 127.0.0.1:81 -h /www; httpd -p 80 -h /www; i=0; while :; do echo line $i; i=$((i+1)); sleep 0.3; done'),
    container: { ports: [{ containerPort: 80, hostPort: 8080 }], resources: { limits: { cpu: '200m', memory: '64Mi' } }, volumeMounts: [{ name: 'e', mountPath: '/www' }], livenessProbe: { exec: { command: ['test', '-e', '/www/index.html'] }, periodSeconds: 1 } },
    spec: { volumes: [{ name: 'e', emptyDir: {} }] },
  })
  const onTerminal = ['stty', 'rows', '33', 'cols', '77;', kubectl, '--kubeconfig', box.kubeconfig, 'exec', '-it', 'web', '--', 'sh', '-c', '"sleep 1; stty size"'].join(' ')
  expect(await box.inside('script', ['-qec', onTerminal, '/dev/null'])).toContain('33 77')
  expect(await box.k(['exec', '-i', 'web', '--', 'md5sum'], { input: 'x'.repeat(300_000) })).toBe(`${createHash('md5').update('x'.repeat(300_000)).digest('hex')}  -\n`)
  expect((await box.kubectl(['exec', 'web', '--', ...shell('exit 17')])).code).toBe(17)
  expect(await box.k(['logs', 'web'])).toMatch(/^started\nline 0\n/)
  await box.follow(['logs', '-f', 'web', '--tail=1'], /^(.*\n){3}/)
  await box.follow(['attach', 'web'], /line \d+/)
  expect(await box.inside('curl', ['-sSf', '-m', '2', 'http://192.0.2.10:8080/'])).toBe('page\n')
  const forward = box.startKubectl(['port-forward', 'pod/web', '18081:81'])
  expect(await eventually('the forwarded port answers', () => box.inside('curl', ['-sSf', '-m', '2', 'http://127.0.0.1:18081/']))).toBe('page\n')
  forward.stop()
  expect(await exec('web', 'cat /sys/fs/cgroup/memory/memory.limit_in_bytes /sys/fs/cgroup/memory.max 2>/dev/null || true')).toBe(`${64 << 20}\n`)
  const usage = JSON.parse(await box.k(['get', '--raw', '/api/v1/nodes/box/proxy/stats/summary'])) as { pods: { podRef: { name: string }; containers: { memory: { workingSetBytes: number } }[] }[] }
  expect(usage.pods.find(({ podRef }) => podRef.name === 'web')!.containers[0]!.memory.workingSetBytes).toBeGreaterThan(0)
})

test('what it cannot do is refused', async () => {
  await box.apply(pod({ name: 'own-users', spec: { hostUsers: false } }))
  await bench.event('own-users', /Warning FailedCreatePodSandBox Failed to create pod sandbox: can't set `spec\.hostUsers: false`, runtime does not support user namespaces/)
  await box.k(['delete', 'pod', 'own-users', '--now'])
})

test('a container that fails is started again with growing pauses, and what it said before can be read', async () => {
  await box.apply(pod({ name: 'failing', command: shell('echo words of $HOSTNAME; exit 3') }))
  await eventually('it backs off', async () => (await bench.get('pod', 'failing', '.status.containerStatuses[0].state.waiting.reason')) === 'CrashLoopBackOff')
  expect(JSON.parse(await bench.get('pod', 'failing', '.status.containerStatuses[0].lastState.terminated'))).toMatchObject({ exitCode: 3, reason: 'Error' })
  expect(await box.k(['logs', 'failing', '--previous'])).toBe('words of failing\n')
  await box.k(['delete', 'pod', 'failing'])
})

test('neither the end of mk8s nor that of containerd interrupts a container or loses a line of its log', async () => {
  await bench.start({ name: 'counter', command: shell('i=0; while :; do echo $i; i=$((i+1)); sleep 0.01; done') }, {
    name: 'ends', command: shell('until [ -e /v/end ]; do sleep 0.1; done; exit 7'), container: { volumeMounts: [{ name: 'v', mountPath: '/v' }] },
    spec: { restartPolicy: 'Never', volumes: [{ name: 'v', hostPath: { path: box.directory } }] },
  })
  const id = await bench.get('pod', 'counter', '.status.containerStatuses[0].containerID')
  await box.signal('SIGKILL')
  await containerd.kill()
  await sleep(1000)
  await containerd.start()
  await box.start()
  expect(await eventually('exec works again', () => exec('counter', 'echo here'), 20)).toBe('here\n')
  await box.signal('SIGTERM')
  writeFileSync(join(box.directory, 'end'), '')
  await sleep(1000)
  await box.start()
  const lines = (await box.k(['logs', 'counter'])).trimEnd().split('\n')
  expect(lines).toEqual(lines.map((_, n) => String(n)))
  expect(lines.length).toBeGreaterThan(200)
  expect(await bench.get('pod', 'counter', '.status.containerStatuses[0].containerID}|{.status.containerStatuses[0].restartCount')).toBe(`${id}|0`)
  expect(await bench.finished('ends')).toBe('Failed')
  expect(await bench.get('pod', 'ends', '.status.containerStatuses[0].state.terminated.exitCode')).toBe('7')
  await containerd.kill()
  await containerd.start()
  expect(await eventually('a pod starts after containerd has', () => bench.output({ name: 'later', command: ['echo', 'late'] }))).toBe('late\n')
})

test('deleted pods leave nothing', async () => {
  await box.k(['delete', 'deployment', 'hello'])
  await box.k(['delete', 'pod', '--all', '--now', '--timeout=60s'])
  expect(await containerd.settled()).toEqual(nothing)
})

test('killall ends the pods and leaves the containerd of the other program as it was', async () => {
  await bench.start({ name: 'last', container: { ports: [{ containerPort: 80, hostPort: 8080 }] } })
  await box.signal('SIGKILL')
  await box.inside(binary, ['killall', '--data-dir', box.dataDir])
  expect(await containerd.remains()).toEqual({ ...nothing, run: [], snapshots: 0 })
  expect(await containerd.ctr('images', 'list', '-q')).toContain(image)
})
