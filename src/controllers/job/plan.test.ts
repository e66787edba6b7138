import { describe, expect, test } from 'vitest'
import type { ContainerState, Job, JobSpec, JobStatus, Pod } from '../../api/generated/types.ts'
import type { Stored } from '../../api/object.ts'
import { labelSelectorOf } from '../../api/selector.ts'
import { rfc3339 } from '../../base/clock.ts'
import { remainingWait } from './back-off.ts'
import { trackingFinalizer } from './job-pods.ts'
import { planJob } from './plan.ts'
import type { JobStep } from './steps.ts'

const now = Date.UTC(2026, 0, 1, 12)
const since = (time: number) => now - time
const at = (seconds: number) => rfc3339(now + seconds * 1000)

const defaults: JobSpec = {
  completions: 1, parallelism: 1, backoffLimit: 6, completionMode: 'NonIndexed', suspend: false, podReplacementPolicy: 'TerminatingOrFailed',
  selector: { matchLabels: { uid: 'u' } }, template: { metadata: { labels: { uid: 'u' } }, spec: { restartPolicy: 'Never', containers: [{ name: 'c' }] } },
}

const jobWith = (spec: Partial<JobSpec> = {}, status: JobStatus = {}, metadata: object = {}): Stored<Job> => ({
  apiVersion: 'batch/v1', kind: 'Job', metadata: { name: 'j', namespace: 'n', uid: 'u', resourceVersion: '1', creationTimestamp: at(-600), ...metadata },
  spec: { ...defaults, ...spec }, status: { startTime: at(-600), ready: 0, terminating: 0, uncountedTerminatedPods: {}, ...status },
}) as Stored<Job>

interface PodOptions {
  phase?: string
  index?: number
  ended?: number
  exitCode?: number
  metadata?: object
  counted?: boolean
  failures?: number
}

function pod(name: string, { phase = 'Running', index, ended = -60, exitCode = 1, metadata, counted, failures }: PodOptions = {}): Stored<Pod> {
  const terminated = { exitCode: phase === 'Succeeded' ? 0 : exitCode, finishedAt: at(ended) }
  const state: ContainerState = phase === 'Running' ? { running: {} } : { terminated }
  return {
    apiVersion: 'v1', kind: 'Pod',
    metadata: {
      name, namespace: 'n', uid: name, resourceVersion: '1', creationTimestamp: at(-600), labels: { uid: 'u' }, ...(counted ? {} : { finalizers: [trackingFinalizer] }),
      annotations: { ...(index === undefined ? {} : { 'batch.kubernetes.io/job-completion-index': `${index}` }), ...(failures === undefined ? {} : { 'batch.kubernetes.io/job-index-failure-count': `${failures}` }) },
      ownerReferences: [{ apiVersion: 'batch/v1', kind: 'Job', name: 'j', uid: 'u', controller: true }], ...metadata,
    },
    spec: { nodeName: 'a', containers: [{ name: 'c' }] },
    status: { phase, containerStatuses: [{ name: 'c', image: '', imageID: '', ready: false, restartCount: 0, state }] },
  } as unknown as Stored<Pod>
}

const deleted = { deletionTimestamp: at(-5), deletionGracePeriodSeconds: 0 }

/** One round, as words: what is done, and then what the status says. */
function round(job: Stored<Job>, pods: readonly Stored<Pod>[], failure?: Error): { done: string[]; status: JobStatus; untracked: string[]; told: string[]; wakeAfter?: number } {
  const plan = planJob({ job, selector: labelSelectorOf(job.spec?.selector), pods, failures: undefined }, now, since)
  const steps = (plan.steps as readonly (JobStep | readonly JobStep[])[]).flat() as JobStep[]
  const last = plan.last?.(failure) ?? []
  const name = (step: JobStep): string => (step.do === 'createPod' ? `create ${step.pod.metadata?.labels?.['batch.kubernetes.io/job-completion-index'] ?? ''}`.trim() : 'pod' in step ? `${step.do} ${step.pod.metadata?.name}` : step.do)
  return {
    done: steps.map(name), wakeAfter: plan.wakeAfter,
    status: last.map((step) => (step.do === 'updateStatus' ? (step.status as JobStatus) : undefined)).find(Boolean) ?? job.status!,
    untracked: last.flatMap((step) => (step.do === 'untrackPods' ? step.pods.map(({ metadata }) => metadata.name) : [])),
    told: last.flatMap((step) => (step.do === 'tell' ? [step.reason] : [])),
  }
}

const types = ({ conditions }: JobStatus) => conditions?.filter(({ status }) => status === 'True').map(({ type, reason }) => `${type}:${reason}`)
const condition = (type: string, reason = '') => ({ type, status: 'True', reason, message: reason })

describe('counting: each stage acts on what is stored', () => {
  test('a finished pod is written down before its finalizer goes', () => {
    const { status, untracked } = round(jobWith({ completions: 2 }), [pod('a', { phase: 'Succeeded' })])
    expect(status).toMatchObject({ uncountedTerminatedPods: { succeeded: ['a'] } })
    expect(status.succeeded).toBeUndefined()
    expect(untracked).toEqual(['a'])
  })
  test('one that is written down and still has its finalizer is not written down again', () => {
    const { status, untracked } = round(jobWith({ completions: 2 }, { uncountedTerminatedPods: { succeeded: ['a'] } }), [pod('a', { phase: 'Succeeded' })])
    expect(status.uncountedTerminatedPods).toEqual({ succeeded: ['a'] })
    expect(untracked).toEqual(['a'])
  })
  test.each([['without its finalizer', [pod('a', { phase: 'Failed', counted: true })]], ['gone', []]])('one that is %s is counted', (_, pods) => {
    const { status } = round(jobWith({ completions: 2 }, { failed: 1, uncountedTerminatedPods: { failed: ['a'] } }), pods)
    expect(status).toMatchObject({ failed: 2, uncountedTerminatedPods: {} })
  })
  test('the job completes when all are counted and none is terminating', () => {
    const interim = jobWith({}, { uncountedTerminatedPods: { succeeded: ['a'] }, conditions: [condition('SuccessCriteriaMet', 'CompletionsReached')] })
    const ended = pod('a', { phase: 'Succeeded', counted: true })
    expect(types(round(interim, [ended, pod('b', { metadata: deleted, counted: true })]).status)).toEqual(['SuccessCriteriaMet:CompletionsReached'])
    const { status, told } = round(interim, [ended])
    expect([types(status), status.completionTime, told]).toEqual([['SuccessCriteriaMet:CompletionsReached', 'Complete:CompletionsReached'], at(0), ['Completed']])
  })
  test('no more than 500 at a time, so that the status stays small', () => {
    const many = Array.from({ length: 600 }, (_, n) => pod(`p${n}`, { phase: 'Succeeded' }))
    const { status, untracked } = round(jobWith({ completions: 600 }), many)
    expect([status.uncountedTerminatedPods?.succeeded?.length, untracked.length]).toEqual([500, 500])
  })
})

describe('how many pods', () => {
  test.each<[string, Partial<JobSpec>, Stored<Pod>[], string[]]>([
    ['no more than completions are left', { completions: 3, parallelism: 5 }, [pod('a', { phase: 'Succeeded' }), pod('b')], ['create']],
    ['a work queue starts none after a success', { completions: undefined, parallelism: 3 }, [pod('a', { phase: 'Succeeded' }), pod('b')], []],
    ['the unscheduled go first', { parallelism: 1, completions: 5 }, [pod('a'), { ...pod('b'), spec: { containers: [] } }], ['discardPod b']],
    ['each index once, the lowest first', { completions: 5, parallelism: 3, completionMode: 'Indexed' }, [pod('a', { index: 1 })], ['create 0', 'create 2']],
    ['an index too much, twice and without', { completions: 2, parallelism: 2, completionMode: 'Indexed' }, [pod('a', { index: 2 }), pod('b', { index: 0 }), pod('c', { index: 0, metadata: { creationTimestamp: at(-1) } }), pod('d')], ['discardPod c', 'discardPod a', 'discardPod d']],
    ['terminating pods are replaced', { completions: 2, parallelism: 1 }, [pod('a', { metadata: { ...deleted, deletionTimestamp: at(-60) } })], ['create']],
    ['or only when they have failed', { completions: 2, parallelism: 1, podReplacementPolicy: 'Failed' }, [pod('a', { metadata: deleted })], []],
    ['a suspended job has none', { suspend: true, completions: 2, parallelism: 2 }, [pod('a')], ['discardPod a']],
  ])('%s', (_, spec, pods, expected) => {
    expect(round(jobWith(spec), pods).done).toEqual(expected)
  })
})

describe('back-off', () => {
  test.each([[0, 0], [1, 10], [2, 20], [3, 40], [6, 320], [7, 600], [50, 600]])('%i failures in a row: %i s', (count, seconds) => {
    expect(remainingWait({ count, last: now }, since)).toBe(seconds * 1000)
  })
  test('a pod that has just failed is replaced later', () => {
    const failed = [pod('a', { phase: 'Failed', ended: -3 }), pod('b', { phase: 'Failed', ended: -100, counted: true })]
    expect(round(jobWith({}, { failed: 1 }), failed)).toMatchObject({ done: [], wakeAfter: 17_000 })
    expect(round(jobWith(), [pod('a', { phase: 'Failed', ended: -3 }), pod('b', { phase: 'Succeeded', ended: -1, counted: true })]).wakeAfter).toBe(7_000)
  })
  test('each index by itself, and its failures pass to the next pod', () => {
    const spec = { completions: 3, parallelism: 3, completionMode: 'Indexed', backoffLimitPerIndex: 5, backoffLimit: 100 }
    const job = jobWith(spec)
    const pods = [pod('a', { phase: 'Failed', index: 0, ended: -3, failures: 0 }), pod('b', { phase: 'Failed', index: 1, ended: -30, failures: 1 }), pod('c', { index: 2 })]
    const plan = planJob({ job, selector: labelSelectorOf(job.spec?.selector), pods, failures: undefined }, now, since)
    const created = (plan.steps.flat() as JobStep[]).map((step) => (step.do === 'createPod' ? step.pod.metadata?.annotations : undefined))
    expect(created).toEqual([{ 'batch.kubernetes.io/job-completion-index': '1', 'batch.kubernetes.io/job-index-failure-count': '2' }])
    expect(plan.wakeAfter).toBe(7_000)
    expect(round(job, pods).untracked).toEqual([])
  })
})

describe('the end', () => {
  const indexed = { completionMode: 'Indexed', completions: 4, parallelism: 4 }
  test.each<[string, Partial<JobSpec>, Stored<Pod>[], string[] | undefined]>([
    ['too many failures', { backoffLimit: 1 }, [pod('a', { phase: 'Failed' }), pod('b', { phase: 'Failed' })], ['FailureTarget:BackoffLimitExceeded']],
    ['ignored ones do not count', { backoffLimit: 0, podFailurePolicy: { rules: [{ action: 'Ignore', onExitCodes: { operator: 'NotIn', values: [7] } }] } }, [pod('a', { phase: 'Failed' })], undefined],
    ['too long', { activeDeadlineSeconds: 600 }, [pod('a')], ['FailureTarget:DeadlineExceeded']],
    ['an index has failed', { ...indexed, backoffLimitPerIndex: 0, maxFailedIndexes: 0 }, [pod('a', { phase: 'Failed', index: 1 })], ['FailureTarget:MaxFailedIndexesExceeded']],
    ['all others are done', { ...indexed, completions: 2, backoffLimitPerIndex: 0 }, [pod('a', { phase: 'Failed', index: 1 }), pod('b', { phase: 'Succeeded', index: 0 })], ['FailureTarget:FailedIndexes']],
    ['enough indexes', { ...indexed, successPolicy: { rules: [{ succeededIndexes: '2-3', succeededCount: 1 }] } }, [pod('a', { phase: 'Succeeded', index: 2 }), pod('b', { index: 0 })], ['SuccessCriteriaMet:SuccessPolicy']],
    ['not these', { ...indexed, successPolicy: { rules: [{ succeededIndexes: '2-3' }] } }, [pod('a', { phase: 'Succeeded', index: 2 })], undefined],
    ['nothing to do', { completions: 0 }, [], ['SuccessCriteriaMet:CompletionsReached']],
  ])('%s', (_, spec, pods, expected) => {
    expect(types(round(jobWith(spec), pods).status)).toEqual(expected)
  })
  test('running pods are deleted, and count as failed', () => {
    const { done, status, untracked } = round(jobWith({ backoffLimit: 0, parallelism: 2, completions: 2 }), [pod('a', { phase: 'Failed' }), pod('b')])
    expect([done, untracked, status.uncountedTerminatedPods]).toEqual([['deletePod b'], ['a', 'b'], { failed: ['a', 'b'] }])
    expect(status).toMatchObject({ terminating: 1, ready: 0 })
  })
  test('what could not be deleted delays it', () => {
    const { status, untracked } = round(jobWith({ backoffLimit: 0, parallelism: 2, completions: 2 }), [pod('a', { phase: 'Failed' }), pod('b')], new Error('no'))
    expect([untracked, status.active, types(status)]).toEqual([['a'], 1, undefined])
  })
  test('a deleted job lets go of all its pods and starts none', () => {
    expect(round(jobWith({ parallelism: 2, completions: 2 }, {}, { deletionTimestamp: at(-1) }), [pod('a')])).toMatchObject({ done: [], untracked: ['a'] })
  })
})

test('an indexed job that shrinks forgets what lies beyond', () => {
  const { status } = round(jobWith({ completionMode: 'Indexed', completions: 2, parallelism: 2 }, { succeeded: 3, completedIndexes: '0,2,3' }), [])
  expect(status).toMatchObject({ succeeded: 1, completedIndexes: '0' })
})

test('an orphan is taken in first, with its finalizer', () => {
  const job = jobWith()
  const plan = planJob({ job, selector: labelSelectorOf(job.spec?.selector), pods: [pod('a', { metadata: { ownerReferences: [] } })], failures: undefined }, now, since)
  expect(plan).toMatchObject({ steps: [{ do: 'adopt', finalizer: trackingFinalizer }] })
})
