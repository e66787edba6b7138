// A box whose wall clock is wrong and jumps, as one without a battery does before a time server answers: nothing stops, storms or runs twice.
// Only mk8s gets another time (libfaketime); kubectl, containerd and the pods have the right one, as other machines would.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { Box, eventually, must } from './box.ts'
import { image, openWorkbench, pod, shell, template, type Workbench } from './workbench.ts'

vi.setConfig({ testTimeout: 120_000 })
const box = new Box()
let bench: Workbench
const hour = 3600
/** More than an authority's life. */
const elevenYears = 11 * 365 * 24 * hour
const in1970 = () => 300 - Date.now() / 1000
const timeFile = join(box.directory, 'time')

/** @param seconds that mk8s' wall clock is ahead */
const setClock = (seconds: number) => writeFileSync(timeFile, `${seconds < 0 ? '' : '+'}${Math.floor(seconds)}`)

const container = (command: string[]) => ({ restartPolicy: 'Never', containers: [{ name: 'main', image, command }] })
const mounts = [{ name: 'host', mountPath: '/host', readOnly: true }]

beforeAll(async () => {
  const library = (await must('sh', ['-c', 'ls /usr/lib/*/faketime/libfaketimeMT.so.1'])).trim()
  // no time server sets the monotonic clock
  box.environment = { LD_PRELOAD: library, FAKETIME_TIMESTAMP_FILE: timeFile, FAKETIME_CACHE_DURATION: '1', FAKETIME_DONT_FAKE_MONOTONIC: '1', FAKETIME_DONT_RESET: '1', NO_FAKE_STAT: '1' }
  setClock(in1970())
  bench = await openWorkbench(box)
  await bench.start({ name: 'client', container: { volumeMounts: mounts, livenessProbe: { exec: { command: ['true'] }, periodSeconds: 2 } }, spec: { volumes: [{ name: 'host', hostPath: { path: '/' } }], activeDeadlineSeconds: 900 } })
  const web = { replicas: 2, minReadySeconds: 2, selector: { matchLabels: { app: 'web' } }, template: template({ app: 'web' }, 'sleep infinity') }
  const often = { schedule: '* * * * *', successfulJobsHistoryLimit: 50, jobTemplate: { spec: { template: { spec: container(['true']) } } } }
  await box.apply({
    apiVersion: 'v1', kind: 'List', items: [
      { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'web' }, spec: web },
      { apiVersion: 'batch/v1', kind: 'Job', metadata: { name: 'long' }, spec: { activeDeadlineSeconds: 900, template: { spec: container(shell('sleep infinity')) } } },
      { apiVersion: 'batch/v1', kind: 'Job', metadata: { name: 'done' }, spec: { ttlSecondsAfterFinished: 900, template: { spec: container(['true']) } } },
      { apiVersion: 'batch/v1', kind: 'CronJob', metadata: { name: 'often' }, spec: often },
      pod({ name: 'crash', command: ['false'] }),
    ],
  })
  await box.k(['rollout', 'status', 'deployment/web', '--timeout=60s'])
  await box.k(['wait', 'job/done', '--for=condition=Complete', '--timeout=60s'])
}, 180_000)
afterAll(() => box.close(), 60_000)

/** What the API server says to a pod that shows its token: forbidden to somebody it knows. */
const asPod = () => bench.exec('client', `chroot /host curl -sSk -m 5 -H "Authorization: Bearer $(cat /var/run/secrets/kubernetes.io/serviceaccount/token)" https://10.43.0.1/api/v1/namespaces/default`)
const known = 'User \\"system:serviceaccount:default:default\\" cannot get resource'
const tokenIsGood = async () => expect(await asPod()).toContain(known)

interface Seen {
  kind: string
  metadata: { name: string; resourceVersion: string; labels?: Record<string, string> }
  spec: { taints?: object[]; holderIdentity?: string }
  status?: { conditions?: { type: string; status: string }[]; containerStatuses?: { containerID: string; restartCount: number }[]; active?: number; succeeded?: number; availableReplicas?: number }
}

/** All that a wrong clock must not change, how far the database has got, and the jobs of the cron job. */
async function look() {
  const { items } = JSON.parse(await box.k(['get', 'nodes,pods,deployments,jobs,leases', '-A', '-o', 'json'])) as { items: Seen[] }
  const steady = (kind: string, names: RegExp, facts: (object: Seen) => unknown) => items.filter((o) => o.kind === kind && names.test(o.metadata.name)).map((o) => [o.metadata.name, facts(o)])
  return {
    settled: [
      ...steady('Node', /./, ({ spec, status }) => [spec.taints, status?.conditions?.map(({ type, status: state }) => `${type}=${state}`)]),
      ...steady('Pod', /^(client|web)/, ({ status }) => status?.containerStatuses?.map(({ containerID, restartCount }) => `${containerID} ${restartCount}`)),
      ...steady('Deployment', /./, ({ status }) => status?.availableReplicas),
      ...steady('Job', /^(long|done)/, ({ status }) => [status?.active, status?.succeeded]),
      ...steady('Lease', /./, ({ spec }) => spec.holderIdentity),
    ],
    jobs: items.filter((o) => o.kind === 'Job' && o.metadata.name.startsWith('often')).length,
    exits: items.find((o) => o.metadata.name === 'crash')?.status?.containerStatuses?.[0]?.restartCount ?? 0,
    revision: Math.max(...items.map((o) => Number(o.metadata.resourceVersion))),
  }
}

test.each([
  ['the present, when a time server answers', () => 0, 1],
  ['an hour ahead', () => hour, 1],
  ['an hour back', () => 0, 0],
  ['eleven years ahead', () => elevenYears, 1],
  ['the present again', () => 0, 0],
])('the clock of a running server jumps to %s', async (_when, seconds, missedRuns) => {
  const before = await look()
  const began = Date.now()
  setClock(seconds())
  await sleep(1100) // so long libfaketime keeps what it has read
  // after eleven years a client's certificate has ended: it is renewed as soon as anybody looks at the clock
  await eventually('the administrator is known', async () => (await box.kubectl(['get', 'nodes'])).code === 0, 10)
  await tokenIsGood()
  await sleep(8000)
  await tokenIsGood()
  const after = await look()
  expect(after.settled).toEqual(before.settled)
  // two runs of a cron job are some thirty each with their events, and there are leases, what crashes and renewed authorities; a storm would be thousands
  expect(after.revision - before.revision).toBeLessThan(200)
  const minutes = Math.ceil((Date.now() - began) / 60_000)
  expect(after.jobs - before.jobs, 'a missed time is made up for once, however many were missed; those of these seconds have just come').toBeLessThanOrEqual(missedRuns + minutes)
})

test('what was made under wrong clocks is good under the right one', async () => {
  const all = await box.k(['get', 'events', '-A', '-o', 'jsonpath={range .items[*]}{.reason} {.message}{"\\n"}{end}'])
  expect(all).not.toMatch(/NodeNotReady|Evict|DeadlineExceeded|Unhealthy|was lost/)
  const created = all.match(/Created job often-\d+/g) ?? []
  expect(created.length).toBeGreaterThan(0)
  expect(new Set(created).size).toBe(created.length)
  // after 10, 20 and 40 s, on whatever clock
  await eventually('what crashes has been started again and again', async () => (await look()).exits >= 3)
  const authority = readFileSync(join(box.dataDir, 'server/tls/server-ca.crt'), 'utf8')
  expect(await bench.get('configmap', 'kube-root-ca.crt', ".data['ca\\.crt']"), 'the authority that was renewed eleven years ahead is published').toBe(authority)
  expect(box.log()).not.toMatch(/WARN.*([Ll]ease|[Tt]oken)| ERROR /)
})

test('what has a deadline or a time to live is made in the present', async () => {
  await box.apply({
    apiVersion: 'v1', kind: 'List', items: [
      { apiVersion: 'batch/v1', kind: 'Job', metadata: { name: 'long-now' }, spec: { activeDeadlineSeconds: 1800, template: { spec: { ...container(shell('sleep infinity')), activeDeadlineSeconds: 1800 } } } },
      { apiVersion: 'batch/v1', kind: 'Job', metadata: { name: 'done-now' }, spec: { ttlSecondsAfterFinished: 1800, template: { spec: container(['true']) } } },
      { apiVersion: 'v1', kind: 'Event', metadata: { name: 'told' }, involvedObject: { namespace: 'default' }, reason: 'Told', type: 'Normal' },
    ],
  })
  await box.k(['wait', 'job/done-now', '--for=condition=Complete', '--timeout=60s'])
  await eventually('the other one runs', async () => (await box.k(['get', 'pods', '-l', 'job-name=long-now', '-o', 'jsonpath={.items[*].status.phase}'])) === 'Running')
})

test.each([
  ['1970', 'first', in1970],
  ['eleven years ahead', 'second', () => elevenYears],
  ['eleven years ahead, again', 'third', () => elevenYears],
  ['the present', 'fourth', () => 0],
])('a server with data starts at %s', async (_when, start, seconds) => {
  const before = await look()
  await box.signal('SIGTERM')
  setClock(seconds())
  await box.start()
  await eventually('all is as before', async () => JSON.stringify((await look()).settled) === JSON.stringify(before.settled), 30)
  await eventually('the pod has a token that is good', async () => (await asPod()).includes(known))
  await bench.start({ name: `after-${start}` })
  expect((await box.kubectl(['get', 'event', 'told'])).stderr).toBe('')
  expect((await look()).settled).toEqual(before.settled)
})
