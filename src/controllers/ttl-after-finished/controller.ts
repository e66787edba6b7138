import type { Job } from '../../api/generated/types.ts'
import { objectKey } from '../../api/object.ts'
import { jobs } from '../../api/refs.ts'
import { ignoreNotFound } from '../../api/status-error.ts'
import { changed } from '../../controller/definition.ts'
import { defineController } from '../../controller/run.ts'
import { getByKey } from '../common/keys.ts'
import { planTtl, timeLeft } from './plan.ts'

export const ttlAfterFinishedController = defineController({
  name: 'ttl-after-finished-controller',
  watches: ({ informer }) => ({ jobs: informer<Job>(jobs) }),
  triggers: (world) => [changed(world.jobs, (job) => (job.spec?.ttlSecondsAfterFinished === undefined ? undefined : objectKey(job)))],
  observe: (key, world) => getByKey(world.jobs, key),
  plan: planTtl,
  executors: {
    /** Read live first: its time to live may just have been prolonged. */
    async deleteExpired({ job }, { client, clock }) {
      const of = client.resource(jobs, job.metadata.namespace)
      const fresh = await of.get(job.metadata.name).catch(ignoreNotFound)
      const left = fresh && timeLeft(fresh, clock.since)
      if (!fresh || left === undefined || left > 0) return
      await of.delete(fresh.metadata.name, { propagationPolicy: 'Foreground', preconditions: { uid: fresh.metadata.uid } }).catch(ignoreNotFound)
    },
  },
})
