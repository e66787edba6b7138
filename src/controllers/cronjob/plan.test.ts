import { expect, test } from 'vitest'
import type { CronJob, CronJobSpec, CronJobStatus, Job } from '../../api/generated/types.ts'
import type { Stored } from '../../api/object.ts'
import { rfc3339 } from '../../base/clock.ts'
import { planCronJob, type CronJobStep } from './plan.ts'

const noon = Date.UTC(2026, 0, 1, 12)
const at = (minutes: number) => rfc3339(noon + minutes * 60_000)
const name = (minutes: number) => `c-${noon / 60_000 + minutes}`

const cronJob = (spec: Partial<CronJobSpec> = {}, status: CronJobStatus = {}): Stored<CronJob> => ({
  apiVersion: 'batch/v1', kind: 'CronJob', metadata: { name: 'c', namespace: 'n', uid: 'u', resourceVersion: '1', creationTimestamp: at(-300) },
  spec: { schedule: '*/10 * * * *', concurrencyPolicy: 'Allow', successfulJobsHistoryLimit: 1, failedJobsHistoryLimit: 1, jobTemplate: { spec: { template: {} } }, ...spec },
  status,
}) as Stored<CronJob>

const ended = (minutes: number, type = 'Complete'): Stored<Job> => job(minutes, { conditions: [{ type, status: 'True' }], startTime: at(minutes), ...(type === 'Complete' ? { completionTime: at(minutes + 1) } : {}) })
const job = (minutes: number, status: Job['status'] = {}): Stored<Job> => ({ metadata: { name: name(minutes), namespace: 'n', uid: `j${minutes}`, resourceVersion: '1', creationTimestamp: at(minutes) }, status }) as Stored<Job>
const ref = (minutes: number) => ({ namespace: 'n', name: name(minutes), uid: `j${minutes}` })

/** A round 5 minutes after noon, as words. */
function round(cron: Stored<CronJob>, jobs: Stored<Job>[] = [], { now = 5, changedAt }: { now?: number; changedAt?: number } = {}) {
  const plan = planCronJob({ cronJob: cron, jobs, unseen: new Set(), changedAt: changedAt === undefined ? undefined : noon + changedAt * 60_000, localZone: 'UTC' }, noon + now * 60_000)
  const steps = plan.steps.flat() as CronJobStep[]
  return { words: steps.map(inWords), steps, wake: plan.wakeAfter }
}

function inWords(step: CronJobStep): string {
  if (step.do === 'tell') return step.reason
  if (step.do === 'updateStatus') return 'status'
  return `${step.do} ${step.do === 'startJob' ? step.job.metadata?.name : step.job.name}`
}

test.each<[string, Stored<CronJob>, Stored<Job>[], string[], { now?: number; changedAt?: number }?]>([
  ['the latest of the missed times is run', cronJob(), [], [`startJob ${name(0)}`]],
  ['none is run twice', cronJob({}, { lastScheduleTime: at(0) }), [], []],
  ['nor when the clock is set back', cronJob({}, { lastScheduleTime: at(0) }), [], [], { now: -45 }],
  ['but when it was years ahead', cronJob({}, { lastScheduleTime: '2031-01-01T00:00:00Z' }), [], [`startJob ${name(0)}`]],
  ['nor what is active already', cronJob({}, { lastScheduleTime: at(-10), active: [ref(0)] }), [job(0)], []],
  ['a hundred and more', cronJob({ schedule: '* * * * *' }), [], ['TooManyMissedTimes', `startJob ${name(5)}`]],
  ['many that the first interval does not tell of', cronJob({ schedule: '* 8-11 * 1 *' }, { lastScheduleTime: '2025-01-31T11:58:00Z' }), [], [`startJob ${name(-1 + 6 * 1440)}`], { now: 200 + 6 * 1440 }],
  ['too late', cronJob({ startingDeadlineSeconds: 10 }), [], []],
  ['in time', cronJob({ startingDeadlineSeconds: 301 }), [], [`startJob ${name(0)}`]],
  ['not before the schedule was changed', cronJob(), [], [], { changedAt: 4 }],
  ['forbidden beside another', cronJob({ concurrencyPolicy: 'Forbid' }, { active: [ref(-10)] }), [job(-10)], ['JobAlreadyActive']],
  ['in place of another', cronJob({ concurrencyPolicy: 'Replace' }, { active: [ref(-10)] }), [job(-10)], [`deleteJob ${name(-10)}`, `startJob ${name(0)}`]],
  ['beside another', cronJob({}, { active: [ref(-10)] }), [job(-10)], [`startJob ${name(0)}`]],
  ['suspended', cronJob({ suspend: true }), [], []],
  ['never', cronJob({ schedule: '0 0 31 2 *' }), [], ['InvalidSchedule']],
  ['what has ended is noticed', cronJob({ suspend: true }, { active: [ref(-10), ref(-20)] }), [ended(-10), job(-20)], ['SawCompletedJob', 'status']],
  ['what is gone, too', cronJob({ suspend: true }, { active: [ref(-10)] }), [], ['MissingJob', 'status']],
  ['and what is not known', cronJob({ suspend: true }), [job(-10)], ['UnexpectedJob']],
  ['the oldest go', cronJob({ suspend: true }, { lastSuccessfulTime: at(-9) }), [ended(-10), ended(-30), ended(-20, 'Failed'), ended(-40, 'Failed')], [`deleteJob ${name(-30)}`, `deleteJob ${name(-40)}`]],
])('%s', (_, cron, jobs, expected, options) => {
  expect(round(cron, jobs, options).words).toEqual(expected)
})

test('it wakes up for the next time', () => {
  expect(round(cronJob({}, { lastScheduleTime: at(0) })).wake).toBe(5 * 60_000 + 100)
})

test('the new job is told by its time, in its zone', () => {
  const { steps } = round(cronJob({ timeZone: 'Asia/Kolkata', schedule: '30 17 * * *' }))
  const start = steps.find((step) => step.do === 'startJob')!
  expect(start.do === 'startJob' && start.job.metadata?.annotations).toEqual({ 'batch.kubernetes.io/cronjob-scheduled-timestamp': '2026-01-01T17:30:00+05:30' })
})
