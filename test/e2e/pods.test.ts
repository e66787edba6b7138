// What the agent does for a pod: images from a registry, hooks, security, resources, logs, credentials.
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { containerdPaths } from '../../src/runtime/containerd/paths.ts'
import { Box, eventually } from './box.ts'
import { image, openWorkbench, pod, shell, type Workbench } from './workbench.ts'

vi.setConfig({ testTimeout: 180_000 })
const box = new Box()
let bench: Workbench
beforeAll(async () => {
  bench = await openWorkbench(box)
}, 180_000)
afterAll(async () => {
  await box.close()
}, 120_000)

const waiting = (name: string) => bench.get('pod', name, '.status.containerStatuses[0].state.waiting.reason}|{.status.containerStatuses[0].state.waiting.message')

describe('images', () => {
  const registry = '127.0.0.1:5000'
  const remote = `${registry}/team/busybox:1`
  beforeAll(async () => {
    const directory = join(box.directory, 'registry')
    mkdirSync(directory)
    // user "robot", password "opensesame"
    writeFileSync(join(directory, 'htpasswd'), 'robot:$2y$05$abcdefghijklmnopqrstuuQbLfdQZSxZ9gjhA5V9o8Tyc6aQRO0Qi\n')
    writeFileSync(join(directory, 'config.yml'), JSON.stringify({
      version: 0.1, log: { level: 'error' }, storage: { filesystem: { rootdirectory: directory } }, http: { addr: registry }, auth: { htpasswd: { realm: 'r', path: join(directory, 'htpasswd') } },
    }))
    box.startInside('docker-registry', ['serve', join(directory, 'config.yml')])
    const ctr = (...args: string[]) => box.inside('ctr', ['--address', containerdPaths(box.dataDir).socket, '-n', 'k8s.io', 'images', ...args])
    await ctr('tag', image, remote)
    await eventually('the image is pushed', () => ctr('push', '--plain-http', '--user', 'robot:opensesame', remote))
    await ctr('rm', remote)
  }, 120_000)

  test('without credentials it is refused and backs off; with imagePullSecrets it runs; then it is present', async () => {
    await box.apply(pod({ name: 'stranger', container: { image: remote } }))
    await eventually('ErrImagePull', async () => (await bench.event('stranger', /Warning Failed Failed to pull image "127\.0\.0\.1:5000\/team\/busybox:1": .*\n/)) && true)
    await bench.event('stranger', /Warning Failed Error: ErrImagePull/)
    await eventually('ImagePullBackOff', async () => (await waiting('stranger')).startsWith(`ImagePullBackOff|Back-off pulling image "${remote}"`))
    await box.k(['create', 'secret', 'docker-registry', 'robot', `--docker-server=${registry}`, '--docker-username=robot', '--docker-password=opensesame'])
    await bench.start({ name: 'known', container: { image: remote, imagePullPolicy: 'Always' }, spec: { imagePullSecrets: [{ name: 'robot' }] } })
    await bench.event('known', /Normal Pulled Successfully pulled image "127\.0\.0\.1:5000\/team\/busybox:1" in \S+ \(\S+ including waiting\)\. Image size: \d+ bytes\./)
    expect(await bench.get('pod', 'known', '.status.containerStatuses[0].imageID')).toMatch(/^127\.0\.0\.1:5000\/team\/busybox@sha256:/)
    await box.apply({ apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'puller' }, imagePullSecrets: [{ name: 'robot' }] })
    await bench.start({ name: 'by-account', container: { image: remote, imagePullPolicy: 'Always' }, spec: { serviceAccountName: 'puller' } })
    await box.k(['delete', 'pod', 'stranger', 'known', 'by-account'])
  })
  test('an image that does not exist and a name that is none', async () => {
    await box.apply(pod({ name: 'absent', container: { image: `${registry}/team/none:1` }, spec: { imagePullSecrets: [{ name: 'robot' }] } }))
    await box.apply(pod({ name: 'misnamed', container: { image: 'Not An Image' } }))
    await bench.event('absent', /Warning Failed Failed to pull image .*not found/)
    await eventually('InvalidImageName', async () => (await waiting('misnamed')).startsWith('InvalidImageName|Failed to apply default image tag "Not An Image": couldn\'t parse image name "Not An Image": invalid reference format'))
    await box.k(['delete', 'pod', 'absent', 'misnamed'])
  })
})

describe('life of a container', () => {
  test('postStart before readiness, preStop within the grace, SIGTERM reaches it, SIGKILL ends it', async () => {
    const spec = { terminationGracePeriodSeconds: 30, volumes: [{ name: 'v', hostPath: { path: box.directory } }] }
    const volumeMounts = [{ name: 'v', mountPath: '/v' }]
    await bench.start({
      name: 'hooked', spec, command: shell('trap "echo term >> /v/steps; exit 0" TERM; while true; do sleep 0.1; done'),
      container: { volumeMounts, lifecycle: { postStart: { exec: { command: shell('echo post >> /v/steps') } }, preStop: { exec: { command: shell('echo pre >> /v/steps') } } } },
    })
    await box.k(['delete', 'pod', 'hooked'])
    expect(await bench.output({ name: 'reader', command: ['cat', '/v/steps'], container: { volumeMounts }, spec })).toBe('post\npre\nterm\n')
    await bench.start({ name: 'deaf', command: shell('trap "" TERM; while true; do sleep 1; done') })
    await box.k(['delete', 'pod', 'deaf', '--grace-period=1', '--timeout=30s'])
    await box.apply(pod({ name: 'badhook', container: { lifecycle: { postStart: { exec: { command: ['false'] } } } } }))
    await bench.event('badhook', /Warning FailedPostStartHook PostStartHook failed/)
    await box.k(['delete', 'pod', 'badhook', '--now'])
  })
  test('an init container that fails; a deadline; a termination message', async () => {
    await box.apply(pod({ name: 'badinit', spec: { restartPolicy: 'Never', initContainers: [{ name: 'first', image, command: ['false'] }] } }))
    await bench.finished('badinit')
    expect(await box.k(['get', 'pod', 'badinit'])).toMatch(/badinit +0\/1 +Init:Error +0/)
    await box.apply(pod({ name: 'limited', spec: { activeDeadlineSeconds: 2 } }))
    await bench.finished('limited')
    expect(await bench.get('pod', 'limited', '.status.reason}|{.status.message')).toBe('DeadlineExceeded|Pod was active on the node longer than the specified deadline')
    await bench.output({ name: 'message', command: shell('echo last words > /dev/termination-log; exit 2') })
    expect(await bench.get('pod', 'message', '.status.containerStatuses[0].state.terminated.message')).toBe('last words\n')
  })
  test('a gRPC probe', async () => {
    // one frame: not compressed, two bytes, field 1 = 1 (SERVING)
    const answer = `const http2 = require('node:http2'); http2.createServer().on('stream', (s) => {
      s.respond({ 'content-type': 'application/grpc' }, { waitForTrailers: true })
      s.on('wantTrailers', () => s.sendTrailers({ 'grpc-status': '0' })); s.end(Buffer.from([0, 0, 0, 0, 2, 8, 1])) }).listen(9000, '192.0.2.10')`
    const probe = { readinessProbe: { grpc: { port: 9000 }, periodSeconds: 1 } }
    await box.apply(pod({ name: 'grpc', container: probe, spec: { hostNetwork: true } }))
    await bench.event('grpc', /Warning Unhealthy Readiness probe failed/)
    box.startInside(process.execPath, ['-e', answer])
    await bench.running('grpc')
  })
  test('a log that grows too large is put aside and logs go on', async () => {
    await bench.start({ name: 'talker', command: shell('yes 0123456789012345678901234567890123456789 | head -c 11000000; while true; do echo later; sleep 1; done') })
    const uid = await bench.get('pod', 'talker', '.metadata.uid')
    const directory = join(box.dataDir, 'agent/log/pods', `default_talker_${uid}`, 'main')
    await eventually('it was rotated', async () => readdirSync(directory).some((name) => /^0\.log\.\d{8}-\d{6}$/.test(name)))
    await eventually('new lines are in the new file', async () => (await box.k(['logs', 'talker', '--tail=1'])) === 'later\n')
    await box.k(['delete', 'pod', 'talker'])
  })
})

describe('resources and security', () => {
  test('too much memory: OOMKilled; classes and cgroups', async () => {
    await bench.output({ name: 'greedy', command: shell('x=x; while true; do x=$x$x; done'), container: { resources: { limits: { memory: '16Mi' } } } })
    expect(JSON.parse(await bench.get('pod', 'greedy', '.status.containerStatuses[0].state.terminated'))).toMatchObject({ exitCode: 137, reason: 'OOMKilled' })
    await bench.start({ name: 'best' }, { name: 'burst', container: { resources: { requests: { cpu: '100m' } } } }, { name: 'sure', container: { resources: { limits: { cpu: '100m', memory: '32Mi' } } } })
    const expected = [['best', 'BestEffort', /kubepods\W+besteffort/], ['burst', 'Burstable', /kubepods\W+burstable/], ['sure', 'Guaranteed', /kubepods\W+pod/]] as const
    for (const [name, qos, place] of expected) {
      expect(await bench.get('pod', name, '.status.qosClass')).toBe(qos)
      expect(await bench.exec(name, 'cat /proc/self/cgroup /proc/self/mountinfo')).toMatch(place)
    }
    await box.k(['delete', 'pod', 'best', 'burst', 'sure'])
  })
  test('users, groups, capabilities, a read-only root, runAsNonRoot', async () => {
    await box.apply(pod({ name: 'rooted', container: { securityContext: { runAsNonRoot: true } } }))
    await eventually('it is refused', async () => (await waiting('rooted')).startsWith('CreateContainerConfigError|container has runAsNonRoot and image will run as root (pod: "rooted_default('))
    const text = await bench.output({
      name: 'dropped', command: shell('id -u; id -g; stat -c %g /v; touch /x 2>&1 | grep -c Read-only; grep -E "CapEff|NoNewPrivs" /proc/self/status; cat /proc/sys/kernel/shm_rmid_forced'),
      container: { volumeMounts: [{ name: 'v', mountPath: '/v' }], securityContext: { readOnlyRootFilesystem: true, allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } } },
      spec: { securityContext: { runAsUser: 1000, runAsGroup: 2000, fsGroup: 3000, sysctls: [{ name: 'kernel.shm_rmid_forced', value: '1' }] }, volumes: [{ name: 'v', emptyDir: {} }] },
    })
    expect(text.replaceAll('\t', ' ').trim().split('\n')).toEqual(['1000', '2000', '3000', '1', 'CapEff: 0000000000000000', 'NoNewPrivs: 1', '1'])
    await box.k(['delete', 'pod', 'rooted'])
  })
  test('projected volumes, subPathExpr, downward resources, modes', async () => {
    await box.apply({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'c' }, data: { key: 'from config' } })
    await box.apply({ apiVersion: 'v1', kind: 'Secret', metadata: { name: 's' }, stringData: { key: 'from secret' } })
    const sources = [
      { configMap: { name: 'c', items: [{ key: 'key', path: 'a/c', mode: 0o400 }] } }, { secret: { name: 's', items: [{ key: 'key', path: 'a/s' }] } }, { secret: { name: 'none', optional: true } },
      { downwardAPI: { items: [{ path: 'cpu', resourceFieldRef: { containerName: 'main', resource: 'requests.cpu', divisor: '1m' } }, { path: 'note', fieldRef: { fieldPath: "metadata.annotations['note']" } }] } },
      { serviceAccountToken: { path: 'token', audience: 'vault', expirationSeconds: 3600 } },
    ]
    const text = await bench.output({
      name: 'projected', annotations: { note: 'remember' }, command: shell('cd /p; cat a/c a/s cpu note; echo; stat -Lc %a a/c; cut -d. -f2 token | tr _- /+ | base64 -d 2>/dev/null | grep -o \'"aud":\\["vault"\\]\'; ls /all'),
      container: {
        env: [{ name: 'POD', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } }], resources: { requests: { cpu: '150m' } },
        volumeMounts: [{ name: 'p', mountPath: '/p' }, { name: 'e', mountPath: '/sub', subPathExpr: 'dir-$(POD)' }, { name: 'e', mountPath: '/all' }],
      },
      spec: { volumes: [{ name: 'p', projected: { sources } }, { name: 'e', emptyDir: {} }] },
    })
    expect(text.trim().split('\n')).toEqual(['from configfrom secret150remember', '400', '"aud":["vault"]', 'dir-projected'])
  })
  test('the token of a pod can do what RBAC grants it and no more', async () => {
    const directory = '/var/run/secrets/kubernetes.io/serviceaccount'
    await bench.start({ name: 'client', container: { volumeMounts: [{ name: 'host', mountPath: '/host', readOnly: true }] }, spec: { volumes: [{ name: 'host', hostPath: { path: '/', type: 'Directory' } }] } })
    const ask = async (path: string) => JSON.parse(await bench.exec('client', `mkdir -p /tmp/t; cat ${directory}/ca.crt | base64 | tr -d '\\n' > /tmp/t/ca
      chroot /host bash -c 'curl -sS --cacert <(echo "$1" | base64 -d) -H "Authorization: Bearer $2" https://10.43.0.1/$3' - "$(cat /tmp/t/ca)" "$(cat ${directory}/token)" ${path}`)) as { kind: string; message?: string }
    expect((await ask('api/v1/namespaces/default/pods')).message).toBe('pods is forbidden: User "system:serviceaccount:default:default" cannot list resource "pods" in API group "" in the namespace "default"')
    await box.k(['create', 'role', 'reader', '--verb=list', '--resource=pods'])
    await box.k(['create', 'rolebinding', 'reader', '--role=reader', '--serviceaccount=default:default'])
    expect((await ask('api/v1/namespaces/default/pods')).kind).toBe('PodList')
    expect((await ask('api/v1/namespaces/default/secrets')).message).toContain('secrets is forbidden')
    await box.k(['delete', 'pod', 'client'])
  })
})
