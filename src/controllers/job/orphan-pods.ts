// Pods that wait to be counted by a job which will not count them any more: it is gone or has finished. They are let go.
import type { Job, Pod } from '../../api/generated/types.ts'
import { objectKey, type Stored } from '../../api/object.ts'
import { jobs, pods } from '../../api/refs.ts'
import { isNotFound } from '../../api/status-error.ts'
import type { Informer } from '../../client/informer.ts'
import { changed, compared, type ExecutionContext } from '../../controller/definition.ts'
import { defineController } from '../../controller/run.ts'
import { getByKey } from '../common/keys.ts'
import { byController, controllerIndex, controllerOf } from '../common/owner.ts'
import { untrack } from './controller.ts'
import { isJobFinished, isManagedElsewhere, isTracked } from './job-pods.ts'

export const jobOrphanPodController = defineController({
  name: 'job-orphan-pod-controller',
  serviceAccount: 'job-controller',
  eventSource: 'job-controller',
  watches: ({ informer }) => ({ jobs: informer<Job>(jobs), pods: informer<Pod>(pods, { indexes: controllerIndex }) }),
  triggers: (world) => [
    changed(world.pods, (pod) => (isTracked(pod) && isForgotten(pod, jobOf(pod, world.jobs)) ? objectKey(pod) : undefined)),
    compared(world.jobs, (before, now) => (before && (!now || isJobFinished(now)) ? trackedPodsOf(before, world.pods) : [])),
  ],
  observe(key, world) {
    const pod = getByKey(world.pods, key)
    return pod && isTracked(pod) ? { pod, job: jobOf(pod, world.jobs) } : undefined
  },
  plan: ({ pod, job }) => ({ steps: isForgotten(pod, job) ? [{ do: 'letGo' as const, pod, job }] : [] }),
  executors: {
    async letGo({ pod, job }, context) {
      if (job || !(await isJobThere(pod, context))) await untrack(pod, context)
    },
  },
})

function trackedPodsOf(job: Stored<Job>, all: Informer<Pod>): Iterable<string> {
  return all.byIndex(byController, job.metadata.uid).filter(isTracked).map(objectKey)
}

function jobOf(pod: Stored<Pod>, all: Informer<Job>): Stored<Job> | undefined {
  const owner = controllerOf(pod)
  const job = owner && all.get(owner.name, pod.metadata.namespace)
  return job?.metadata.uid === owner?.uid ? job : undefined
}

/** @param job the pod's, where it is there */
function isForgotten(pod: Pod, job: Job | undefined): boolean {
  const owner = controllerOf(pod)
  if (owner && (owner.kind !== 'Job' || owner.apiVersion !== 'batch/v1')) return false
  return !job || (!isManagedElsewhere(job) && isJobFinished(job))
}

/** The pods' view may be ahead of the jobs'. */
async function isJobThere(pod: Stored<Pod>, { client }: ExecutionContext): Promise<boolean> {
  const owner = controllerOf(pod)
  if (!owner) return false
  try {
    return (await client.resource(jobs, pod.metadata.namespace).get(owner.name)).metadata.uid === owner.uid
  } catch (error) {
    if (isNotFound(error)) return false
    throw error
  }
}
