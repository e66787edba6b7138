// Jobs and CronJobs against a whole server in memory, with a kubelet that ends pods as their container's arguments say.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import type { Job, JobSpec, Pod } from '../../api/generated/types.ts'
import type { Stored } from '../../api/object.ts'
import { cronjobs, events, jobs, namespaces, pods, serviceaccounts } from '../../api/refs.ts'
import { builtinResources } from '../../api/resources/index.ts'
import { apiServerUser, mastersUser, serviceAccountUser } from '../../api/user.ts'
import { rfc3339, systemClock, type Clock } from '../../base/clock.ts'
import { createLogger } from '../../base/logger.ts'
import type { Controller } from '../../controller/definition.ts'
import { createClient } from '../../client/create-client.ts'
import { createInformerFactory } from '../../client/informer-factory.ts'
import { LoopbackTransport } from '../../client/loopback-transport.ts'
import { ensureServerPki } from '../../pki/server-pki.ts'
import { createApiServer, type ApiServer } from '../../server/api-server.ts'
import { reconcileBootstrapRbac } from '../../server/authorization/reconcile-bootstrap.ts'
import { createSecurity } from '../../server/security.ts'
import { MemoryStorage } from '../../storage/memory.ts'
import { createCronJobController } from '../cronjob/controller.ts'
import { ttlAfterFinishedController } from '../ttl-after-finished/controller.ts'
import { createJobController } from './controller.ts'
import { jobOrphanPodController } from './orphan-pods.ts'

let server: ApiServer
const stop = new AbortController()
const log = createLogger({ level: 'warn', format: 'text', clock: systemClock, write: (line) => process.stderr.write(line) })
const client = () => createClient(new LoopbackTransport(server, mastersUser))
const eventually = <T>(check: () => Promise<T>) => vi.waitFor(check, { timeout: 10_000, interval: 10 })

const [succeeds, fails, runs] = ['succeed', 'fail', 'run']

const job = (name: string, does: string, spec: Partial<JobSpec> = {}): Job => ({
  metadata: { name, namespace: 'work' },
  spec: { ...spec, template: { spec: { restartPolicy: 'Never', containers: [{ name: 'main', image: 'app', args: [does] }], ...spec.template?.spec } } },
})

const ofJobs = () => client().resource(jobs, 'work')
const podsOf = async (name: string): Promise<Stored<Pod>[]> => (await client().resource(pods, 'work').list({ labelSelector: `job-name=${name}` })).items
const told = async (name: string): Promise<(string | undefined)[]> =>
  (await client().resource(events, 'work').list()).items.filter((event) => event.involvedObject.name === name).map((event) => event.reason)
const types = ({ status }: Job) => status?.conditions?.filter((condition) => condition.status === 'True').map(({ type, reason }) => `${type}:${reason}`)

/** A pod runs, and then does what its argument says; a pod that runs on ends when it is deleted. */
async function playKubelet(signal: AbortSignal): Promise<void> {
  const all = client().resource(pods, 'work')
  for await (const { type, object } of all.watch({ sendInitialEvents: true, allowWatchBookmarks: true, signal })) {
    if (type !== 'ADDED' && type !== 'MODIFIED') continue
    const { name, deletionTimestamp, finalizers } = object.metadata
    const does = object.spec?.containers[0]?.args?.[0]
    const phase = does === succeeds ? 'Succeeded' : does === fails ? 'Failed' : 'Running'
    if (deletionTimestamp && !finalizers) await all.delete(name, { gracePeriodSeconds: 0 }).catch(() => {})
    else if (object.status?.phase !== phase) await all.updateStatus({ ...object, status: statusOf(phase) }).catch(() => {})
  }
}

function statusOf(phase: string): Pod['status'] {
  const now = rfc3339(Date.now())
  const state = phase === 'Running' ? { running: { startedAt: now } } : { terminated: { exitCode: phase === 'Failed' ? 3 : 0, finishedAt: now } }
  return {
    phase, conditions: [{ type: 'Ready', status: phase === 'Running' ? 'True' : 'False', lastTransitionTime: now }],
    containerStatuses: [{ name: 'main', image: 'app', imageID: '', ready: phase === 'Running', restartCount: 0, state }],
  }
}

/** Whatever is created has missed a minute already, and no other minute comes. */
const wall = Date.now() + 130_000
const ahead: Clock = { ...systemClock, now: () => wall, since: (time) => wall - time }

let running: Promise<unknown>
let directory: string

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'jobs-'))
  const pki = await ensureServerPki({ directory, clock: systemClock, nodeName: 'n1', sans: [], nodeAddresses: [], clusterDomain: 'cluster.local', serviceIp: '10.43.0.1' })
  const security = createSecurity({ pki, issuer: 'https://kubernetes.default.svc', clock: systemClock, client: () => createClient(new LoopbackTransport(server, apiServerUser)) })
  server = await createApiServer({ storage: new MemoryStorage({ clock: systemClock }), definitions: builtinResources, clock: systemClock, log, ...security })
  for (const name of ['kube-system', 'kube-public', 'default', 'work']) await client().resource(namespaces).create({ metadata: { name } })
  await client().resource(serviceaccounts, 'work').create({ metadata: { name: 'default', namespace: 'work' } })
  await reconcileBootstrapRbac(client())
  const informers = createInformerFactory({ client: client(), clock: systemClock, log, random: Math.random })
  const clientFor = (name: string) => createClient(new LoopbackTransport(server, serviceAccountUser('kube-system', name)))
  const environment = { informers, clientFor, clock: systemClock, log, random: Math.random }
  const runAll = (controllers: readonly Controller[], clock: Clock) => controllers.map((controller) => controller.run({ ...environment, clock }, stop.signal))
  running = Promise.allSettled([
    ...runAll([createJobController(), jobOrphanPodController], systemClock), ...runAll([createCronJobController('UTC'), ttlAfterFinishedController], ahead), playKubelet(stop.signal),
  ])
})
afterAll(async () => {
  stop.abort(new Error('done'))
  await running
  server.stop()
  rmSync(directory, { recursive: true })
})

test('a job runs its completions and tells so', async () => {
  await ofJobs().create(job('plain', succeeds, { completions: 3, parallelism: 2 }))
  const done = await eventually(async () => {
    const now = await ofJobs().get('plain')
    expect(types(now)).toEqual(['SuccessCriteriaMet:CompletionsReached', 'Complete:CompletionsReached'])
    return now
  })
  const { startTime, completionTime, conditions, ...counters } = done.status!
  expect(counters).toEqual({ succeeded: 3, ready: 0, terminating: 0, uncountedTerminatedPods: {} })
  expect([startTime, completionTime, conditions?.[0]?.lastProbeTime]).not.toContain(undefined)
  expect((await podsOf('plain')).map((pod) => pod.metadata.finalizers)).toEqual([undefined, undefined, undefined])
  await eventually(async () => expect(await told('plain')).toEqual(expect.arrayContaining(['SuccessfulCreate', 'Completed'])))
})

test('an indexed job gives each pod its index', async () => {
  await ofJobs().create(job('indexed', succeeds, { completions: 3, parallelism: 3, completionMode: 'Indexed' }))
  await eventually(async () => expect((await ofJobs().get('indexed')).status).toMatchObject({ succeeded: 3, completedIndexes: '0-2', completionTime: expect.any(String) }))
  for (const { metadata, spec } of await podsOf('indexed')) {
    const index = metadata.annotations?.['batch.kubernetes.io/job-completion-index']
    expect([metadata.name.replace(/.{5}$/, ''), spec?.hostname, metadata.labels?.['batch.kubernetes.io/job-completion-index']]).toEqual([`indexed-${index}-`, `indexed-${index}`, index])
    expect(spec?.containers[0]?.env?.[0]?.valueFrom?.fieldRef?.fieldPath).toBe("metadata.labels['batch.kubernetes.io/job-completion-index']")
  }
})

test('a failure too many fails the job, and its running pods go', async () => {
  await ofJobs().create(job('failing', fails, { backoffLimit: 0 }))
  const failed = await eventually(async () => {
    const now = await ofJobs().get('failing')
    expect(types(now)).toEqual(['FailureTarget:BackoffLimitExceeded', 'Failed:BackoffLimitExceeded'])
    return now
  })
  expect(failed.status).toMatchObject({ failed: 1, ready: 0, terminating: 0 })
  expect(failed.status?.completionTime).toBeUndefined()
  await ofJobs().create(job('late', runs, { activeDeadlineSeconds: 1, parallelism: 2, completions: 2 }))
  await eventually(async () => expect(types(await ofJobs().get('late'))).toEqual(['FailureTarget:DeadlineExceeded', 'Failed:DeadlineExceeded']))
  expect((await ofJobs().get('late')).status?.failed).toBe(2)
  expect(await podsOf('late')).toEqual([])
})

test('a suspended job has no pods until it is resumed', async () => {
  await ofJobs().create(job('sleeper', runs, { suspend: true }))
  await eventually(async () => expect(types(await ofJobs().get('sleeper'))).toEqual(['Suspended:JobSuspended']))
  expect((await ofJobs().get('sleeper')).status?.startTime).toBeUndefined()
  await ofJobs().patch('sleeper', { spec: { suspend: false } }, { type: 'merge' })
  await eventually(async () => expect((await ofJobs().get('sleeper')).status).toMatchObject({ active: 1, ready: 1, startTime: expect.any(String) }))
  await ofJobs().patch('sleeper', { spec: { suspend: true } }, { type: 'merge' })
  await eventually(async () => expect(await podsOf('sleeper')).toEqual([]))
  const { status } = await eventually(async () => {
    const now = await ofJobs().get('sleeper')
    expect(now.status).toMatchObject({ terminating: 0 })
    expect(types(now)).toEqual(['Suspended:JobSuspended'])
    return now
  })
  expect([status?.failed, status?.startTime]).toEqual([undefined, undefined])
})

test('pods of a job that was orphaned or deleted are let go', async () => {
  await ofJobs().create(job('left', runs, { parallelism: 2, completions: 2 }))
  await eventually(async () => expect((await ofJobs().get('left')).status?.ready).toBe(2))
  expect((await podsOf('left')).map((pod) => pod.metadata.finalizers)).toEqual([['batch.kubernetes.io/job-tracking'], ['batch.kubernetes.io/job-tracking']])
  await ofJobs().delete('left', { propagationPolicy: 'Background' })
  await eventually(async () => expect((await podsOf('left')).map((pod) => pod.metadata.finalizers)).toEqual([undefined, undefined]))
})

test('a pod failure policy fails the job with its reason, or takes no count', async () => {
  await ofJobs().create(job('policy', fails, { podFailurePolicy: { rules: [{ action: 'FailJob', onExitCodes: { operator: 'In', values: [3] } }] } }))
  const { status } = await eventually(async () => {
    const now = await ofJobs().get('policy')
    expect(types(now)).toEqual(['FailureTarget:PodFailurePolicy', 'Failed:PodFailurePolicy'])
    return now
  })
  const [pod] = await podsOf('policy')
  expect(status?.conditions?.[0]?.message).toBe(`Container main for pod work/${pod!.metadata.name} failed with exit code 3 matching FailJob rule at index 0`)
})

test('a cron job runs a time once, remembers it, and cleans up', async () => {
  const of = client().resource(cronjobs, 'work')
  const jobTemplate = { metadata: { labels: { team: 'night' } }, spec: job('', succeeds).spec! }
  const cron = await of.create({ metadata: { name: 'cron', namespace: 'work' }, spec: { schedule: '* * * * *', timeZone: 'Europe/Berlin', jobTemplate } })
  const { status } = await eventually(async () => {
    const now = await of.get('cron')
    expect(now.status).toEqual({ lastScheduleTime: expect.any(String), lastSuccessfulTime: expect.any(String) })
    return now
  })
  const time = Date.parse(status!.lastScheduleTime!)
  const [made, ...more] = (await ofJobs().list({ labelSelector: 'team=night' })).items
  expect(more).toEqual([])
  expect(made!.metadata).toMatchObject({ name: `cron-${time / 60_000}`, ownerReferences: [{ kind: 'CronJob', uid: cron.metadata.uid, controller: true }] })
  expect(made!.metadata.annotations?.['batch.kubernetes.io/cronjob-scheduled-timestamp']).toMatch(/T\d\d:\d\d:00\+0[12]:00$/)
  await eventually(async () => expect(await told('cron')).toEqual(expect.arrayContaining(['SuccessfulCreate', 'SawCompletedJob'])))
  await of.patch('cron', { spec: { successfulJobsHistoryLimit: 0, suspend: true } }, { type: 'merge' })
  await eventually(async () => expect((await ofJobs().list({ labelSelector: 'team=night' })).items).toEqual([]))
})

test('a finished job goes when its time to live is over', async () => {
  await ofJobs().create(job('brief', succeeds, { ttlSecondsAfterFinished: 30 }))
  await ofJobs().create(job('lasting', succeeds, { ttlSecondsAfterFinished: 3600 }))
  // nobody collects garbage here: a job that is deleted in the foreground stays, marked
  await eventually(async () => expect((await ofJobs().get('brief')).metadata.finalizers).toEqual(['foregroundDeletion']))
  expect((await ofJobs().get('lasting')).metadata.deletionTimestamp).toBeUndefined()
})
