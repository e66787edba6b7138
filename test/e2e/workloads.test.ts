// A box that runs pods: containerd, network, services, DNS, streams, restarts. One after the other on one box.
import { randomBytes } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { binary, Box, eventually, kubectl, kubectlMinor } from './box.ts'
import { image, openWorkbench, pod, shell, type PodOptions, type Workbench } from './workbench.ts'

vi.setConfig({ testTimeout: 180_000 })
const box = new Box()
let bench: Workbench
beforeAll(async () => {
  bench = await openWorkbench(box)
}, 180_000)
afterAll(() => box.close(), 120_000)
const running = (name: string) => bench.running(name)
const output = (options: PodOptions) => bench.output(options)

describe('pods', () => {
  test('environment, volumes and files', async () => {
    await box.apply({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'settings' }, data: { color: 'blue', size: 'large' } })
    await box.apply({ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'hidden' }, stringData: { password: 'opensesame' } })
    const text = await output({
      name: 'files', labels: { tier: 'back' },
      command: shell('echo $COLOR $NAME $PASSWORD $LIMIT; cat /config/color; echo; cat /secret/password; echo; cat /down/labels; echo; mount | grep -c "tmpfs on /memory"; cat /var/run/secrets/kubernetes.io/serviceaccount/namespace; echo; test -s /var/run/secrets/kubernetes.io/serviceaccount/token && echo token; cat /one; echo; hostname; grep -c files /etc/hosts; id -u'),
      container: {
        env: [
          { name: 'COLOR', valueFrom: { configMapKeyRef: { name: 'settings', key: 'color' } } }, { name: 'NAME', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
          { name: 'PASSWORD', valueFrom: { secretKeyRef: { name: 'hidden', key: 'password' } } }, { name: 'LIMIT', valueFrom: { resourceFieldRef: { resource: 'limits.memory' } } },
        ],
        resources: { limits: { memory: '64Mi', cpu: '200m' } }, securityContext: { runAsUser: 1000 },
        volumeMounts: [
          { name: 'config', mountPath: '/config' }, { name: 'secret', mountPath: '/secret' }, { name: 'down', mountPath: '/down' }, { name: 'memory', mountPath: '/memory' },
          { name: 'config', mountPath: '/one', subPath: 'size' },
        ],
      },
      spec: {
        volumes: [
          { name: 'config', configMap: { name: 'settings' } }, { name: 'secret', secret: { secretName: 'hidden' } }, { name: 'memory', emptyDir: { medium: 'Memory' } },
          { name: 'down', downwardAPI: { items: [{ path: 'labels', fieldRef: { fieldPath: 'metadata.labels' } }] } },
        ],
      },
    })
    expect(text.trim().split('\n')).toEqual(['blue files opensesame 67108864', 'blue', 'opensesame', 'tier="back"', '1', 'default', 'token', 'large', 'files', '1', '1000'])
  })

  test('a changed ConfigMap reaches a mounted volume', async () => {
    await box.apply({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'live' }, data: { word: 'old' } })
    await box.apply(pod({ name: 'live', container: { volumeMounts: [{ name: 'v', mountPath: '/v' }] }, spec: { volumes: [{ name: 'v', configMap: { name: 'live' } }] } }))
    await running('live')
    await box.apply({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'live' }, data: { word: 'new' } })
    await eventually('the new word is there', async () => (await box.k(['exec', 'live', '--', 'cat', '/v/word'])) === 'new')
    await box.k(['delete', 'pod', 'live'])
  })

  test('init containers, sidecars, exit codes, restarts with back-off', async () => {
    const text = await output({
      name: 'init', command: shell('cat /v/steps; cat /v/sidecar'), container: { volumeMounts: [{ name: 'v', mountPath: '/v' }] },
      spec: {
        volumes: [{ name: 'v', emptyDir: {} }],
        initContainers: [
          { name: 'one', image, command: shell('echo 1 >> /v/steps'), volumeMounts: [{ name: 'v', mountPath: '/v' }] },
          { name: 'side', image, restartPolicy: 'Always', command: shell('echo side > /v/sidecar; sleep infinity'), volumeMounts: [{ name: 'v', mountPath: '/v' }], startupProbe: { exec: { command: ['test', '-f', '/v/sidecar'] }, periodSeconds: 1 } },
          { name: 'two', image, command: shell('echo 2 >> /v/steps'), volumeMounts: [{ name: 'v', mountPath: '/v' }] },
        ],
      },
    })
    expect(text).toBe('1\n2\nside\n')
    await box.apply(pod({ name: 'crash', command: shell('echo once; exit 3') }))
    const status = await eventually('it crashed twice', async () => {
      const [found] = JSON.parse((await box.k(['get', 'pod', 'crash', '-o', 'jsonpath={.status.containerStatuses}'])) || '[]')
      return found?.restartCount >= 1 && found.state.waiting?.reason === 'CrashLoopBackOff' && found
    })
    expect(status.lastState.terminated).toMatchObject({ exitCode: 3, reason: 'Error' })
    expect(status.state.waiting.message).toMatch(/^back-off 10s restarting failed container=main pod=crash_default\(/)
    expect(await box.k(['logs', 'crash', '--previous'])).toBe('once\n')
    expect(await box.k(['get', 'pod', 'crash'])).toMatch(/0\/1 +CrashLoopBackOff/)
    await box.k(['delete', 'pod', 'crash'])
  })

  test('probes decide readiness and restart', async () => {
    await box.apply(pod({
      name: 'probed', command: shell('mkdir /tmp/w; cd /tmp/w; echo ok > ready; touch /tmp/alive; exec httpd -f -p 8080'),
      container: {
        readinessProbe: { httpGet: { path: '/ready', port: 8080 }, periodSeconds: 1 },
        livenessProbe: { exec: { command: ['test', '-f', '/tmp/alive'] }, periodSeconds: 1, failureThreshold: 2 },
      },
    }))
    await running('probed')
    await box.k(['exec', 'probed', '--', 'rm', '/tmp/w/ready'])
    await box.k(['wait', 'pod', 'probed', '--for=condition=Ready=false', '--timeout=30s'])
    await box.k(['exec', 'probed', '--', 'rm', '/tmp/alive'])
    await eventually('it was restarted', async () => Number(await box.k(['get', 'pod', 'probed', '-o', 'jsonpath={.status.containerStatuses[0].restartCount}'])) >= 1)
    expect(await box.k(['get', 'events', '--field-selector', 'involvedObject.name=probed'])).toMatch(/Unhealthy .*Liveness probe failed/)
    await box.k(['delete', 'pod', 'probed'])
  })

  test('what cannot start says why', async () => {
    await box.apply(pod({ name: 'noimage', container: { image: 'mk8s.io/none:1', imagePullPolicy: 'Never' } }))
    await box.apply(pod({ name: 'noconfig', container: { envFrom: [{ configMapRef: { name: 'none' } }] } }))
    const reason = (name: string) => box.k(['get', 'pod', name, '-o', 'jsonpath={.status.containerStatuses[0].state.waiting.reason}|{.status.containerStatuses[0].state.waiting.message}'])
    await eventually('ErrImageNeverPull', async () => (await reason('noimage')).startsWith('ErrImageNeverPull|Container image "mk8s.io/none:1" is not present with pull policy of Never'))
    await eventually('CreateContainerConfigError', async () => (await reason('noconfig')) === 'CreateContainerConfigError|configmap "none" not found')
    await box.k(['delete', 'pod', 'noimage', 'noconfig'])
  })
})

describe('streams', () => {
  beforeAll(async () => {
    await box.apply(pod({ name: 'streams', command: shell('i=0; while true; do i=$((i+1)); echo line $i; sleep 1; done') }))
    await running('streams')
  })
  afterAll(() => box.k(['delete', 'pod', 'streams', '--now']))

  test('exec: streams, input, exit code, a terminal', async () => {
    const both = await box.kubectl(['exec', 'streams', '--', ...shell('echo out; echo err >&2; exit 7')])
    expect([both.code, both.stdout]).toEqual([7, 'out\n'])
    expect(both.stderr).toContain('err\n')
    const bytes = 'x'.repeat(300_000)
    expect((await box.k(['exec', '-i', 'streams', '--', 'wc', '-c'], { input: bytes })).trim()).toBe('300000')
    // the size comes when the command already runs
    expect(await terminal(['exec', '-it', 'streams', '--', 'sh', '-c', '"until stty size 2>/dev/null | grep 77; do sleep 0.1; done"'])).toContain('33 77')
  })
  test('logs: tail, follow, timestamps, since', async () => {
    await eventually('three lines', async () => (await box.k(['logs', 'streams'])).split('\n').length > 3)
    expect((await box.k(['logs', 'streams', '--tail=2'])).trim().split('\n')).toHaveLength(2)
    expect(await box.k(['logs', 'streams', '--timestamps', '--tail=1'])).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z line \d+\n$/)
    expect(await box.k(['logs', 'streams', '--since=1h', '--limit-bytes=5'])).toBe('line ')
    await box.follow(['logs', '-f', 'streams', '--tail=1'], /^(line \d+\n){3}/)
  })
  test('cp there and back', async () => {
    const [there, back] = [join(box.directory, 'there'), join(box.directory, 'back')]
    writeFileSync(there, randomBytes(5_000_000))
    await box.k(['cp', there, 'streams:/tmp/file'])
    await box.k(['cp', 'streams:/tmp/file', back])
    expect(readFileSync(back).equals(readFileSync(there))).toBe(true)
  })
  test('attach', () => box.follow(['attach', 'streams'], /line \d+/))
  test.runIf(kubectlMinor >= 25)('debug', async () => {
    await box.k(['debug', 'streams', `--image=${image}`, '--container=extra', '--', 'sleep', 'infinity'])
    await eventually('the ephemeral container runs', async () => (await box.k(['get', 'pod', 'streams', '-o', 'jsonpath={.status.ephemeralContainerStatuses[0].state.running.startedAt}'])) !== '')
    expect(await box.k(['exec', 'streams', '-c', 'extra', '--', 'echo', 'hi'])).toBe('hi\n')
  })
  test('port-forward', async () => {
    await box.apply(pod({ name: 'web', command: shell('echo hello > /www/index.html; exec httpd -f -p 80 -h /www'), container: { ports: [{ containerPort: 80 }] } }))
    await running('web')
    const forward = box.startKubectl(['port-forward', 'pod/web', '18080:80'])
    try {
      const answer = await eventually('it answers', async () => (await box.inside('curl', ['-sSf', '-m', '2', 'http://127.0.0.1:18080/'])))
      expect(answer).toBe('hello\n')
    } finally {
      forward.stop()
    }
  })
})

/** Runs kubectl on a pseudo-terminal of 33 rows and 77 columns. */
async function terminal(args: string[]): Promise<string> {
  const line = ['stty', 'rows', '33', 'cols', '77;', kubectl, '--kubeconfig', box.kubeconfig, ...args].join(' ')
  return box.inside('script', ['-qec', line, '/dev/null'])
}

describe('workloads', () => {
  const deployment = (replicas: number, word: string) => ({
    apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'app' },
    spec: {
      replicas, selector: { matchLabels: { app: 'app' } },
      template: {
        metadata: { labels: { app: 'app' } },
        spec: {
          terminationGracePeriodSeconds: 1,
          containers: [{ name: 'web', image, command: shell(`echo ${word} > /www/index.html; exec httpd -f -p 80 -h /www`), ports: [{ containerPort: 80, name: 'http' }], readinessProbe: { tcpSocket: { port: 'http' }, periodSeconds: 1 } }],
        },
      },
    },
  })
  test('a Deployment rolls out, back and by pause and resume; its Service answers', async () => {
    await box.apply(deployment(2, 'first'))
    await box.apply({ apiVersion: 'v1', kind: 'Service', metadata: { name: 'app' }, spec: { selector: { app: 'app' }, type: 'NodePort', ports: [{ port: 80, targetPort: 'http' }] } })
    await box.k(['rollout', 'status', 'deployment/app', '--timeout=60s'])
    const [address, port] = (await box.k(['get', 'service', 'app', '-o', 'jsonpath={.spec.clusterIP} {.spec.ports[0].nodePort}'])).split(' ')
    const ask = (host: string) => box.inside('curl', ['-sSf', '-m', '2', `http://${host}/`])
    expect(await eventually('the cluster IP answers', () => ask(address!))).toBe('first\n')
    expect(await eventually('the node port answers', () => ask(`192.0.2.10:${port}`))).toBe('first\n')
    await box.apply(deployment(2, 'second'))
    await box.k(['rollout', 'status', 'deployment/app', '--timeout=60s'])
    expect(await eventually('the new version answers', async () => (await ask(address!)) === 'second\n' && 'second')).toBe('second')
    expect(await box.k(['rollout', 'history', 'deployment/app'])).toMatch(/1 .*\n2 /)
    await box.k(['rollout', 'undo', 'deployment/app'])
    await box.k(['rollout', 'status', 'deployment/app', '--timeout=60s'])
    await eventually('the old version answers', async () => (await ask(address!)) === 'first\n')
    await box.k(['rollout', 'pause', 'deployment/app'])
    await box.k(['rollout', 'resume', 'deployment/app'])
    await box.k(['rollout', 'restart', 'deployment/app'])
    await box.k(['rollout', 'status', 'deployment/app', '--timeout=60s'])
    await box.k(['scale', 'deployment/app', '--replicas=0'])
    await eventually('a service without endpoints refuses at once', async () => {
      const couldNotConnect = 7
      return (await box.tryInside('curl', ['-sS', '-m', '5', `http://${address}/`])).code === couldNotConnect
    })
  })

  test('DNS: services, headless ones, reverse, outside names', async () => {
    await box.apply({ apiVersion: 'v1', kind: 'Service', metadata: { name: 'peers' }, spec: { clusterIP: 'None', selector: { set: 'peers' }, ports: [{ name: 'http', port: 80 }] } })
    await box.apply({
      apiVersion: 'apps/v1', kind: 'StatefulSet', metadata: { name: 'peer' },
      spec: { serviceName: 'peers', replicas: 2, selector: { matchLabels: { set: 'peers' } }, template: { metadata: { labels: { set: 'peers' } }, spec: { terminationGracePeriodSeconds: 1, containers: [{ name: 'main', image, command: ['sleep', 'infinity'] }] } } },
    })
    await box.k(['rollout', 'status', 'statefulset/peer', '--timeout=60s'])
    await box.apply(pod({ name: 'asker' }))
    await running('asker')
    const look = async (...args: string[]) => (await box.kubectl(['exec', 'asker', '--', 'nslookup', ...args])).stdout
    const first = await box.k(['get', 'pod', 'peer-0', '-o', 'jsonpath={.status.podIP}'])
    expect(await eventually('the peer has a name', async () => (await look('peer-0.peers.default.svc.cluster.local')).includes(first) && first)).toBe(first)
    expect(await look('kubernetes.default.svc.cluster.local')).toContain('10.43.0.1')
    expect(await look(first)).toContain('peer-0.peers.default.svc.cluster.local')
    expect(await look('none.default.svc.cluster.local')).toMatch(/NXDOMAIN/)
    await box.k(['delete', 'statefulset', 'peer', '--now'])
  })

  test('Job, CronJob, DaemonSet', async () => {
    const template = (command: string[], restartPolicy?: string) => ({ spec: { restartPolicy, terminationGracePeriodSeconds: 1, containers: [{ name: 'main', image, command }] } })
    await box.apply({ apiVersion: 'batch/v1', kind: 'Job', metadata: { name: 'sum' }, spec: { completions: 3, parallelism: 2, template: template(['true'], 'Never') } })
    await box.k(['wait', 'job/sum', '--for=condition=Complete', '--timeout=60s'])
    expect(await box.k(['get', 'job', 'sum'])).toMatch(/sum +Complete +3\/3/)
    await box.apply({ apiVersion: 'batch/v1', kind: 'CronJob', metadata: { name: 'tick' }, spec: { schedule: '0 0 1 1 *', jobTemplate: { spec: { template: template(['true'], 'Never') } } } })
    // before 1.21 kubectl knew CronJobs of v1beta1 only
    if (kubectlMinor >= 21) {
      await box.k(['create', 'job', 'by-hand', '--from=cronjob/tick'])
      await box.k(['wait', 'job/by-hand', '--for=condition=Complete', '--timeout=60s'])
    }
    await box.apply({ apiVersion: 'apps/v1', kind: 'DaemonSet', metadata: { name: 'every' }, spec: { selector: { matchLabels: { d: 'e' } }, template: { metadata: { labels: { d: 'e' } }, ...template(['sleep', 'infinity']) } } })
    await box.k(['rollout', 'status', 'daemonset/every', '--timeout=60s'])
    await box.k(['delete', 'daemonset/every', 'job/sum', 'cronjob/tick'])
  })

  test('cordon, drain, taint', async () => {
    await box.k(['scale', 'deployment/app', '--replicas=1'])
    await box.k(['rollout', 'status', 'deployment/app', '--timeout=60s'])
    await box.k(['cordon', 'box'])
    expect(await box.k(['get', 'nodes'])).toContain('Ready,SchedulingDisabled')
    await box.k(['drain', 'box', '--force', '--ignore-daemonsets', '--delete-emptydir-data', '--timeout=60s'])
    const pending = await eventually('a pod waits', async () => (await box.k(['get', 'pods', '-l', 'app=app', '--field-selector=status.phase=Pending', '-o', 'name'])).trim())
    await eventually('and says why', async () => (await box.k(['describe', pending])).includes('0/1 nodes are available: 1 node(s) were unschedulable.'))
    await box.k(['uncordon', 'box'])
    await box.k(['rollout', 'status', 'deployment/app', '--timeout=60s'])
    await box.k(['taint', 'node', 'box', 'a=b:NoSchedule'])
    await box.k(['taint', 'node', 'box', 'a-'])
  })
})

test('restart, kill -9: pods go on, services keep their addresses; killall ends them; another start brings them back', async () => {
  const state = async () => ({
    containers: (await box.k(['get', 'pods', '-l', 'app=app', '-o', 'jsonpath={range .items[*]}{.metadata.name}={.status.containerStatuses[0].containerID},{.status.containerStatuses[0].restartCount} {end}'])),
    address: await box.k(['get', 'service', 'app', '-o', 'jsonpath={.spec.clusterIP}']),
  })
  const before = await state()
  for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
    const begun = Date.now()
    await box.signal(signal)
    if (signal === 'SIGTERM') expect(Date.now() - begun).toBeLessThan(15_000)
    expect(await box.inside('curl', ['-sSf', '-m', '2', `http://${before.address}/`])).toBe('first\n')
    await box.start()
    await eventually('the same containers run on', async () => JSON.stringify(await state()) === JSON.stringify(before))
    expect(await box.k(['exec', 'deployment/app', '--', 'echo', 'still here'])).toBe('still here\n')
  }
  await box.inside(binary, ['killall', '--data-dir', box.dataDir])
  expect((await box.inside('ip', ['-o', 'link'])).match(/veth|cni0/)).toBeNull()
  expect(await box.inside('iptables-save', [])).not.toMatch(/KUBE|CNI|MK8S/)
  const left = (await box.inside('ip', ['netns', 'pids', box.namespace])).split('\n').filter(Boolean)
  expect(left.map((pid) => (existsSync(`/proc/${pid}/cmdline`) ? readFileSync(`/proc/${pid}/cmdline`, 'utf8') : '')).filter(Boolean)).toEqual([])
  // as after a reboot: the disk is there, nothing runs
  await box.start()
  await box.k(['rollout', 'status', 'deployment/app', '--timeout=60s'])
  expect((await state()).address).toBe(before.address)
  expect(await eventually('the service answers again', () => box.inside('curl', ['-sSf', '-m', '2', `http://${before.address}/`]))).toBe('first\n')
})
