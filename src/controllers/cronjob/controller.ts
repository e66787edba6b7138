import type { CronJob, Job, ObjectReference } from '../../api/generated/types.ts'
import { objectKey, type Stored } from '../../api/object.ts'
import { cronjobs, jobs } from '../../api/refs.ts'
import { StatusError, ignoreNotFound } from '../../api/status-error.ts'
import { changed, type Controller, type ExecutionContext } from '../../controller/definition.ts'
import { defineController } from '../../controller/run.ts'
import { getByKey } from '../common/keys.ts'
import { byController, controllerIndex, controllerOf } from '../common/owner.ts'
import { isNamespaceTerminating } from '../common/pod-steps.ts'
import { statusExecutor } from '../common/status.ts'
import { tellExecutor } from '../common/tell.ts'
import { planCronJob } from './plan.ts'

/** @param localZone the name of the zone of schedules that name none */
export function createCronJobController(localZone: string): Controller {
  const schedules = new Map<string, { text: string; changedAt: number | undefined }>()

  /** A schedule that is changed counts from then on: what it would have run earlier is not made up for. */
  const noteSchedule = (key: string, { metadata, spec }: Stored<CronJob>, now: number): number | undefined => {
    const text = [metadata.uid, spec?.schedule, spec?.timeZone].join('\n')
    const before = schedules.get(key)
    if (before?.text === text) return before.changedAt
    const changedAt = before?.text.startsWith(metadata.uid) ? now : undefined
    schedules.set(key, { text, changedAt })
    return changedAt
  }

  return defineController({
    name: 'cronjob-controller',
    watches: ({ informer }) => ({ cronJobs: informer<CronJob>(cronjobs), jobs: informer<Job>(jobs, { indexes: controllerIndex }) }),
    triggers: (world) => [
      changed(world.cronJobs, objectKey),
      changed(world.jobs, (job) => {
        const controller = controllerOf(job)
        return controller?.kind === 'CronJob' ? `${job.metadata.namespace}/${controller.name}` : undefined
      }),
    ],
    async observe(key, world, context) {
      const cronJob = getByKey(world.cronJobs, key)
      if (!cronJob) {
        schedules.delete(key)
        return undefined
      }
      const own = world.jobs.byIndex(byController, cronJob.metadata.uid)
      const missing = (cronJob.status?.active ?? []).filter(({ uid }) => !own.some((job) => job.metadata.uid === uid))
      return { cronJob, jobs: own, unseen: await thoseThere(missing, context), changedAt: noteSchedule(key, cronJob, context.clock.now()), localZone }
    },
    plan: planCronJob,
    executors: {
      ...statusExecutor, ...tellExecutor,
      async deleteJob({ owner, job, required }, { client, events }) {
        try {
          await client.resource(jobs, owner.metadata.namespace).delete(job.name!, { propagationPolicy: 'Background', preconditions: { uid: job.uid } })
          events.event(owner, 'Normal', 'SuccessfulDelete', `Deleted job ${job.name}`)
        } catch (error) {
          events.event(owner, 'Warning', 'FailedDelete', `Deleted job: ${(error as Error).message}`)
          if (required) throw error
        }
      },
      async startJob({ owner, job, status }, context) {
        const { client } = context
        const started = await createOrFind(owner, job, context)
        if (controllerOf(started)?.uid !== owner.metadata.uid) return
        const active = [...(status.active ?? []).filter(({ uid }) => uid !== started.metadata.uid), referenceTo(started)]
        await client.resource(cronjobs, owner.metadata.namespace).updateStatus({ ...owner, status: { ...status, active } })
      },
    },
  })
}

/** The name is the time's: a job that is there already is the one that was wanted. */
async function createOrFind(owner: Stored<CronJob>, job: Job, { client, events }: ExecutionContext): Promise<Stored<Job>> {
  const of = client.resource(jobs, owner.metadata.namespace)
  try {
    const created = await of.create(job)
    events.event(owner, 'Normal', 'SuccessfulCreate', `Created job ${created.metadata.name}`)
    return created
  } catch (error) {
    if (error instanceof StatusError && error.status.reason === 'AlreadyExists') return of.get(job.metadata?.name ?? '')
    if (!isNamespaceTerminating(error)) events.event(owner, 'Warning', 'FailedCreate', `Error creating job: ${(error as Error).message}`)
    throw error
  }
}

const referenceTo = ({ metadata }: Stored<Job>): ObjectReference => ({
  apiVersion: 'batch/v1', kind: 'Job', namespace: metadata.namespace, name: metadata.name, uid: metadata.uid, resourceVersion: metadata.resourceVersion,
})

/** The view of jobs may be behind that of cron jobs. */
async function thoseThere(references: readonly ObjectReference[], { client }: ExecutionContext): Promise<Set<string>> {
  const found = await Promise.all(references.map(({ namespace, name = '' }) => client.resource(jobs, namespace).get(name).catch(ignoreNotFound)))
  return new Set(found.flatMap((job) => (job ? [job.metadata.uid] : [])))
}
