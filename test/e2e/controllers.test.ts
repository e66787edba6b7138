// What controllers, scheduler and admission do to real pods.
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { Box, eventually, kubectlMinor } from './box.ts'
import { image, openWorkbench, pod, shell, template, type Workbench } from './workbench.ts'

vi.setConfig({ testTimeout: 180_000 })
const box = new Box()
let bench: Workbench
beforeAll(async () => {
  bench = await openWorkbench(box)
  // looked at in the last test: by then a full minute has come round
  const minutely = { restartPolicy: 'OnFailure', containers: [{ name: 'main', image, command: shell('echo fired') }] }
  await box.apply({ apiVersion: 'batch/v1', kind: 'CronJob', metadata: { name: 'minutely' }, spec: { schedule: '* * * * *', jobTemplate: { spec: { template: { spec: minutely } } } } })
}, 180_000)
afterAll(() => box.close(), 120_000)

const workload = (kind: string, name: string, script: string, spec: object = {}) => ({
  apiVersion: 'apps/v1', kind, metadata: { name, labels: { app: name } }, spec: { replicas: 1, selector: { matchLabels: { app: name } }, template: template({ app: name }, script), ...spec },
})
const names = async (kind: string, label: string) => (await box.k(['get', kind, '-l', label, '-o', 'name', '--sort-by=.metadata.creationTimestamp'])).trim().split('\n').filter(Boolean)
const rolledOut = (what: string) => box.k(['rollout', 'status', what, '--timeout=60s'])

describe('rollouts', () => {
  test('a paused Deployment does not move; undo to a revision; limits of surge and unavailable hold', async () => {
    await box.apply(workload('Deployment', 'roll', 'echo one; sleep infinity', { replicas: 2, strategy: { rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } } }))
    await rolledOut('deployment/roll')
    await box.k(['rollout', 'pause', 'deployment/roll'])
    await box.k(['set', 'env', 'deployment/roll', 'STEP=two'])
    await eventually('the change was seen', async () => (await bench.get('deployment', 'roll', '.metadata.generation')) === (await bench.get('deployment', 'roll', '.status.observedGeneration')))
    expect(await names('replicaset', 'app=roll')).toHaveLength(1)
    expect((await box.kubectl(['rollout', 'undo', 'deployment/roll', '--to-revision=1'])).stderr).toContain('paused')
    await box.k(['rollout', 'resume', 'deployment/roll'])
    await rolledOut('deployment/roll')
    expect(await names('replicaset', 'app=roll')).toHaveLength(2)
    await box.k(['rollout', 'undo', 'deployment/roll', '--to-revision=1'])
    await rolledOut('deployment/roll')
    expect(await box.k(['rollout', 'history', 'deployment/roll'])).toMatch(/\n2 .*\n3 /)
    expect(await bench.get('deployment', 'roll', '.spec.template.spec.containers[0].env')).toBe('')
    // a version that never gets ready leaves the old pods alone and ends in a Progressing condition that is False
    await box.k(['patch', 'deployment', 'roll', '-p', '{"spec":{"progressDeadlineSeconds":5,"minReadySeconds":1}}'])
    await rolledOut('deployment/roll')
    await box.k(['set', 'image', 'deployment/roll', 'main=mk8s.io/none:1'])
    await box.k(['wait', 'deployment/roll', '--for=condition=Progressing=false', '--timeout=60s'])
    const status = JSON.parse(await bench.get('deployment', 'roll', '.status'))
    expect(status).toMatchObject({ replicas: 3, availableReplicas: 2, updatedReplicas: 1, unavailableReplicas: 1 })
    expect(status.conditions.find((c: { type: string }) => c.type === 'Progressing').reason).toBe('ProgressDeadlineExceeded')
    expect((await box.kubectl(['rollout', 'status', 'deployment/roll'])).stderr).toContain('exceeded its progress deadline')
    await box.k(['delete', 'deployment', 'roll'])
  })

  test('a StatefulSet goes up, down and through an update in order; a partition holds it', async () => {
    const slow = { readinessProbe: { exec: { command: ['test', '-f', '/tmp/ready'] }, periodSeconds: 1 } }
    const set = (script: string, more: object = {}) => workload('StatefulSet', 'ord', script, { replicas: 2, serviceName: 'ord', template: template({ app: 'ord' }, script, slow), ...more })
    const first = 'test $(hostname) = ord-1 && touch /tmp/ready; sleep infinity'
    await box.apply(set(first))
    await eventually('the first one runs', async () => (await bench.get('pod', 'ord-0', '.status.phase')) === 'Running')
    expect(await names('pod', 'app=ord')).toEqual(['pod/ord-0'])
    await bench.exec('ord-0', 'touch /tmp/ready')
    await rolledOut('statefulset/ord')
    expect(await bench.get('pod', 'ord-1', '.spec.hostname}.{.spec.subdomain')).toBe('ord-1.ord')
    const uid = await bench.get('pod', 'ord-0', '.metadata.uid')
    await box.apply(set('touch /tmp/ready; sleep infinity', { updateStrategy: { rollingUpdate: { partition: 1 } } }))
    await rolledOut('statefulset/ord')
    expect(await bench.get('pod', 'ord-0', '.metadata.uid')).toBe(uid)
    expect(await bench.get('pod', 'ord-1', '.spec.containers[0].command[2]')).toBe('touch /tmp/ready; sleep infinity')
    await box.k(['scale', 'statefulset/ord', '--replicas=1'])
    await eventually('the last one goes first', async () => (await names('pod', 'app=ord')).join() === 'pod/ord-0')
    await box.k(['delete', 'statefulset', 'ord'])
  })
})

describe('rollout undo', () => {
  test.each([['DaemonSet', 'dae'], ['StatefulSet', 'sta']])('%s', async (kind, name) => {
    const make = (script: string) => box.apply({ ...workload(kind, name, script, kind === 'DaemonSet' ? { replicas: undefined } : { serviceName: name }) })
    const what = `${kind.toLowerCase()}/${name}`
    const command = async () => (await box.k(['get', 'pod', '-l', `app=${name}`, '-o', 'jsonpath={.items[*].spec.containers[0].command[2]}']))
    const idle = (word: string) => `echo ${word}; trap 'exit 0' TERM; sleep infinity & wait`
    await make(idle('one'))
    await rolledOut(what)
    await make(idle('two'))
    await rolledOut(what)
    expect(await command()).toBe(idle('two'))
    expect(await box.k(['rollout', 'history', what])).toMatch(/\n1 .*\n2 /)
    expect(await box.k(['rollout', 'undo', what])).toContain('rolled back')
    await rolledOut(what)
    await eventually('the first version runs', async () => (await command()) === idle('one'))
    expect(await box.k(['rollout', 'history', what])).toMatch(/\n2 .*\n3 /)
    await box.k(['delete', kind, name])
  })
})

describe('garbage collection', () => {
  test.each([['orphan', 'orphaned'], ['foreground', 'front'], ['background', 'back']])('--cascade=%s', async (cascade, name) => {
    await box.apply(workload('Deployment', name, 'sleep infinity'))
    await rolledOut(`deployment/${name}`)
    const owned = await names('replicaset,pod', `app=${name}`)
    expect(owned).toHaveLength(2)
    await box.k(['delete', 'deployment', name, `--cascade=${cascade}`, '--timeout=60s'])
    if (cascade === 'orphan') {
      expect(await names('replicaset,pod', `app=${name}`)).toEqual(owned)
      await eventually('the owner is forgotten', async () => (await box.k(['get', 'replicaset', '-l', `app=${name}`, '-o', 'jsonpath={.items[0].metadata.ownerReferences}'])) === '')
      await box.k(['delete', 'replicaset', '-l', `app=${name}`])
    }
    if (cascade === 'foreground') expect(await names('replicaset,pod', `app=${name}`)).toEqual([])
    await eventually('nothing is left', async () => (await names('replicaset,pod', `app=${name}`)).length === 0)
  })
  test('a finalizer holds an object back; a namespace takes everything with it', async () => {
    await box.apply({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'held', finalizers: ['example.com/hold'] } })
    await box.k(['delete', 'configmap', 'held', '--wait=false'])
    expect(await bench.get('configmap', 'held', '.metadata.deletionTimestamp')).toMatch(/Z$/)
    await box.k(['patch', 'configmap', 'held', '--type=json', '-p', '[{"op":"remove","path":"/metadata/finalizers"}]'])
    expect((await box.kubectl(['get', 'configmap', 'held'])).stderr).toContain('NotFound')
    await box.k(['create', 'namespace', 'short'])
    await eventually('its service account is there', async () => (await box.kubectl(['get', 'serviceaccount', 'default', '-n', 'short'])).code === 0)
    await box.k(['apply', '-n', 'short', '-f', '-'], { input: JSON.stringify(pod({ name: 'inside' })) })
    await box.k(['wait', '-n', 'short', 'pod/inside', '--for=condition=Ready', '--timeout=60s'])
    await box.k(['delete', 'namespace', 'short', '--timeout=60s'])
    expect((await box.kubectl(['get', 'namespace', 'short'])).stderr).toContain('NotFound')
  })
})

describe('scheduler and nodes', () => {
  test('a pod that fits nowhere says why; affinity, selector and ports', async () => {
    await box.apply(pod({ name: 'big', container: { resources: { requests: { cpu: '1000' } } } }))
    await box.apply(pod({ name: 'picky', spec: { nodeSelector: { disk: 'ssd' } } }))
    await bench.event('big', /Warning FailedScheduling 0\/1 nodes are available: 1 Insufficient cpu\./)
    await bench.event('picky', /Warning FailedScheduling 0\/1 nodes are available: 1 node\(s\) didn't match Pod's node affinity\/selector\./)
    await box.k(['label', 'node', 'box', 'disk=ssd'])
    await bench.running('picky')
    const ports = { ports: [{ containerPort: 80, hostPort: 8081 }] }
    await bench.start({ name: 'port-a', container: ports })
    await box.apply(pod({ name: 'port-b', container: ports }))
    await bench.event('port-b', /1 node\(s\) didn't have free ports for the requested pod ports\./)
    const anti = { affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [{ topologyKey: 'kubernetes.io/hostname', labelSelector: { matchLabels: { alone: 'yes' } } }] } } }
    await bench.start({ name: 'alone-a', labels: { alone: 'yes' }, spec: anti })
    await box.apply(pod({ name: 'alone-b', labels: { alone: 'yes' }, spec: anti }))
    await bench.event('alone-b', /1 node\(s\) didn't match pod anti-affinity rules\./)
    await box.k(['delete', 'pod', 'alone-a'])
    await bench.running('alone-b')
    await box.k(['delete', 'pod', 'big', 'picky', 'port-a', 'port-b', 'alone-b'])
  })
  test('a pod of higher priority takes the place of a lower one', async () => {
    const cpu = Number(await bench.get('node', 'box', '.status.allocatable.cpu'))
    const most = { resources: { requests: { cpu: `${Math.floor(cpu * 600)}m` } } }
    await box.apply({ apiVersion: 'scheduling.k8s.io/v1', kind: 'PriorityClass', metadata: { name: 'urgent' }, value: 1000 })
    await bench.start({ name: 'low', container: most })
    await box.apply(pod({ name: 'high', container: most, spec: { priorityClassName: 'urgent' } }))
    await bench.running('high')
    expect(await bench.get('pod', 'high', '.spec.priority')).toBe('1000')
    expect((await box.kubectl(['get', 'pod', 'low'])).stderr).toContain('NotFound')
    await bench.event('low', /Normal Preempted Preempted by pod [-0-9a-f]{36} on node box/)
    await box.k(['delete', 'pod', 'high'])
  })
  test('a NoExecute taint evicts who does not tolerate it', async () => {
    const tolerations = [{ key: 'broken', operator: 'Exists' }]
    await bench.start({ name: 'leaves' }, { name: 'stays', spec: { tolerations } }, { name: 'later', spec: { tolerations: [{ ...tolerations[0], effect: 'NoExecute', tolerationSeconds: 3600 }] } })
    await box.k(['taint', 'node', 'box', 'broken=yes:NoExecute'])
    await box.k(['wait', 'pod/leaves', '--for=delete', '--timeout=60s'])
    await bench.event('leaves', /TaintManagerEviction/)
    for (const name of ['stays', 'later']) expect(await bench.get('pod', name, '.metadata.deletionTimestamp')).toBe('')
    await box.k(['taint', 'node', 'box', 'broken-'])
    await box.k(['delete', 'pod', 'stays', 'later'])
  })
  test('a disruption budget stops a drain', async () => {
    await box.apply(workload('Deployment', 'kept', 'sleep infinity'))
    await box.apply({ apiVersion: 'policy/v1', kind: 'PodDisruptionBudget', metadata: { name: 'kept' }, spec: { minAvailable: 1, selector: { matchLabels: { app: 'kept' } } } })
    await rolledOut('deployment/kept')
    await eventually('the budget counts it', async () => (await bench.get('pdb', 'kept', '.status.currentHealthy')) === '1')
    const drained = await box.kubectl(['drain', 'box', '--ignore-daemonsets', '--timeout=3s', '--pod-selector=app=kept'])
    expect(drained.stderr).toContain("Cannot evict pod as it would violate the pod's disruption budget.")
    await box.k(['uncordon', 'box'])
    await box.k(['delete', 'pdb/kept', 'deployment/kept'])
  })
})

describe('admission', () => {
  test('LimitRange gives defaults and refuses; ResourceQuota counts and refuses', async () => {
    await box.k(['create', 'namespace', 'limited'])
    await box.apply({ apiVersion: 'v1', kind: 'LimitRange', metadata: { name: 'l', namespace: 'limited' }, spec: { limits: [{ type: 'Container', default: { memory: '64Mi' }, defaultRequest: { memory: '32Mi' }, max: { memory: '128Mi' } }] } })
    await box.apply({ apiVersion: 'v1', kind: 'ResourceQuota', metadata: { name: 'q', namespace: 'limited' }, spec: { hard: { pods: '1' } } })
    await eventually('the quota is counted', async () => (await box.k(['get', 'quota', 'q', '-n', 'limited', '-o', 'jsonpath={.status.used.pods}'])) === '0')
    const make = (name: string, container = {}) => box.kubectl(['create', '-n', 'limited', '-f', '-'], { input: JSON.stringify(pod({ name, container })) })
    expect((await make('huge', { resources: { limits: { memory: '1Gi' } } })).stderr).toContain('maximum memory usage per Container is 128Mi, but limit is 1Gi')
    expect(await make('one')).toMatchObject({ code: 0 })
    expect(JSON.parse(await box.k(['get', 'pod', 'one', '-n', 'limited', '-o', 'jsonpath={.spec.containers[0].resources}']))).toEqual({ limits: { memory: '64Mi' }, requests: { memory: '32Mi' } })
    expect((await make('two')).stderr).toContain('pods "two" is forbidden: exceeded quota: q, requested: pods=1, used: pods=1, limited: pods=1')
    await box.k(['delete', 'namespace', 'limited', '--timeout=60s'])
  })
})

describe('kubectl', () => {
  test('run: to its end with its output and exit code, and in the background', async () => {
    const quiet = ['--quiet', '--restart=Never', '--rm', '--attach', `--image=${image}`]
    expect(await box.k(['run', 'once', ...quiet, '--', ...shell('sleep 1; echo hello $((6 * 7))')])).toContain('hello 42')
    expect((await box.kubectl(['run', 'fails', ...quiet, '--', ...shell('sleep 1; exit 3')])).code).toBe(3)
    expect(await box.k(['run', 'stays', `--image=${image}`, '--labels=kept=yes', '--env=WORD=spoken', '--port=80', '--', ...shell('sleep infinity')])).toBe('pod/stays created\n')
    await bench.running('stays')
    expect(await bench.exec('stays', 'echo $WORD')).toBe('spoken\n')
    await box.k(['delete', 'pod', 'stays', '--now'])
  })
  test.runIf(kubectlMinor >= 26)('events', async () => {
    expect(await box.k(['events', '--for', 'pod/stays'])).toMatch(/Normal +Scheduled +Pod\/stays +Successfully assigned default\/stays to box[^]*Normal +Started +Pod\/stays +Container started/)
    expect(await box.k(['events', '--types=Warning', '--for', 'pod/stays'])).toBe('')
    expect(await box.k(['events', '-A', '--types=Normal'])).toContain('Pod/stays')
  })
})

test('a CronJob fires when its minute has come, once', async () => {
  interface OwnJob {
    metadata: { annotations: Record<string, string>; ownerReferences?: { name: string }[] }
    status: { succeeded?: number }
  }
  const jobs = async () => (JSON.parse(await box.k(['get', 'jobs', '-o', 'json'])) as { items: OwnJob[] }).items.filter(({ metadata }) => metadata.ownerReferences?.[0]?.name === 'minutely')
  await eventually('one has run to its end', async () => (await jobs()).some(({ status }) => status.succeeded === 1), 90)
  const times = (await jobs()).map(({ metadata }) => metadata.annotations['batch.kubernetes.io/cronjob-scheduled-timestamp']!)
  expect(times.every((time) => /:00Z$/.test(time))).toBe(true)
  expect(new Set(times).size).toBe(times.length)
  await bench.event('minutely', /Normal SuccessfulCreate Created job minutely-\d+\n/)
  await box.k(['delete', 'cronjob', 'minutely'])
})
