import type { Job } from '../../api/generated/types.ts'
import { objectKey, type Stored } from '../../api/object.ts'
import { cronjobs, jobs } from '../../api/refs.ts'
import { StatusError } from '../../api/status-error.ts'
import { changed } from '../../controller/definition.ts'
import { defineController } from '../../controller/run.ts'
import { getByKey } from '../common/keys.ts'
import { byController, controllerIndex, controllerOf } from '../common/owner.ts'
import { isNamespaceTerminating } from '../common/pod-steps.ts'
import { statusExecutor } from '../common/status.ts'
import { planCronJob, started } from './plan.ts'
import { parseSchedule } from './schedule.ts'

export const cronJobController = defineController({
  name: 'cronjob-controller',
  watches: ({ informer }) => ({ cronJobs: informer(cronjobs), jobs: informer(jobs, { indexes: controllerIndex }) }),
  triggers: (world) => [
    changed(world.cronJobs, objectKey),
    changed(world.jobs, (job) => {
      const owner = controllerOf(job)
      return owner?.kind === 'CronJob' ? `${job.metadata.namespace}/${owner.name}` : undefined
    }),
  ],
  async observe(key, world) {
    const cronJob = getByKey(world.cronJobs, key)
    if (!cronJob) return undefined
    const { Cron } = await import('croner')
    const { schedule, timeZone } = cronJob.spec!
    return { cronJob, jobs: world.jobs.byIndex(byController, cronJob.metadata.uid), schedule: attempt(() => parseSchedule(schedule, timeZone, Cron)) }
  },
  plan: planCronJob,
  executors: {
    ...statusExecutor,
    async deleteJob({ cronJob, job }, { client, events }) {
      const { name, namespace, uid } = job.metadata
      try {
        await client.resource(jobs, namespace).delete(name, { propagationPolicy: 'Background', preconditions: { uid } })
        events.event(cronJob, 'Normal', 'SuccessfulDelete', `Deleted job ${name}`)
      } catch (error) {
        if (error instanceof StatusError && (error.code === 404 || error.code === 409)) return
        events.event(cronJob, 'Warning', 'FailedDelete', `Deleted job: ${(error as Error).message}`)
        throw error
      }
    },
    async startJob({ cronJob, job, status, lastScheduleTime }, { client, events }) {
      const { namespace } = cronJob.metadata
      let created: Stored<Job>
      try {
        created = await client.resource(jobs, namespace).create(job)
        events.event(cronJob, 'Normal', 'SuccessfulCreate', `Created job ${created.metadata.name}`)
      } catch (error) {
        if (error instanceof StatusError && error.reason === 'AlreadyExists') {
          created = await client.resource(jobs, namespace).get(job.metadata?.name ?? '')
          if (controllerOf(created)?.uid !== cronJob.metadata.uid) return
        } else {
          if (!isNamespaceTerminating(error)) events.event(cronJob, 'Warning', 'FailedCreate', `Error creating job: ${(error as Error).message}`)
          throw error
        }
      }
      await client.resource(cronjobs, namespace).updateStatus({ ...cronJob, status: started(status, created, lastScheduleTime) })
    },
    tell: ({ cronJob, type, reason, message }, { events }) => events.event(cronJob, type, reason, message),
  },
})

function attempt<T>(work: () => T): T | Error {
  try {
    return work()
  } catch (error) {
    return error as Error
  }
}
