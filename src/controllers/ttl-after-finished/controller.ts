import { objectKey } from '../../api/object.ts'
import { jobs } from '../../api/refs.ts'
import { changed } from '../../controller/definition.ts'
import { defineController } from '../../controller/run.ts'
import { getByKey } from '../common/keys.ts'
import { ignoreMissing } from '../common/owner.ts'
import { planTtl, timeLeft } from './plan.ts'

export const ttlAfterFinishedController = defineController({
  name: 'ttl-after-finished-controller',
  watches: ({ informer }) => ({ jobs: informer(jobs) }),
  triggers: (world) => [changed(world.jobs, (job) => (job.spec?.ttlSecondsAfterFinished === undefined ? undefined : objectKey(job)))],
  observe: (key, world) => getByKey(world.jobs, key),
  plan: planTtl,
  executors: {
    /** Read live first: the time to live may have been prolonged a moment ago. */
    async delete({ job }, { client, clock }) {
      const of = client.resource(jobs, job.metadata.namespace)
      const fresh = await of.get(job.metadata.name).catch(ignoreMissing)
      if (!fresh || fresh.metadata.uid !== job.metadata.uid || timeLeft(fresh, clock.now()) !== 0) return
      const { uid, resourceVersion } = fresh.metadata
      await of.delete(fresh.metadata.name, { propagationPolicy: 'Foreground', preconditions: { uid, resourceVersion } }).catch(ignoreMissing)
    },
  },
})
