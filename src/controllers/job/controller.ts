import type { Job, Pod } from '../../api/generated/types.ts'
import { objectKey, type Stored } from '../../api/object.ts'
import { jobs, pods } from '../../api/refs.ts'
import { labelSelectorOf } from '../../api/selector.ts'
import type { Informer } from '../../client/informer.ts'
import { changed, type Controller, type ExecutionContext } from '../../controller/definition.ts'
import { defineController } from '../../controller/run.ts'
import { getByKey } from '../common/keys.ts'
import { byController, claimExecutors, controllerIndex, controllerOf, orphansOf, unlessGone } from '../common/owner.ts'
import { podExecutors } from '../common/pod-steps.ts'
import { statusExecutor } from '../common/status.ts'
import { tellExecutor } from '../common/tell.ts'
import type { Failures } from './back-off.ts'
import { isJobFinished, isManagedElsewhere, isTracked, trackingFinalizer } from './job-pods.ts'
import { planJob } from './plan.ts'

export function createJobController(): Controller {
  // by key: pods that are gone tell nothing of their failures any more
  const failures = new Map<string, { uid: string; failures: Failures }>()
  return defineController({
    name: 'job-controller',
    watches: ({ informer }) => ({ jobs: informer<Job>(jobs), pods: informer<Pod>(pods, { indexes: controllerIndex }) }),
    triggers: (world) => [changed(world.jobs, objectKey), changed(world.pods, (pod) => jobsOf(pod, world.jobs))],
    observe(key, world) {
      const job = getByKey(world.jobs, key)
      if (!job || isManagedElsewhere(job) || isJobFinished(job)) {
        failures.delete(key)
        return undefined
      }
      const { uid, namespace } = job.metadata
      const remembered = failures.get(key)
      return {
        job, selector: labelSelectorOf(job.spec?.selector),
        pods: [...world.pods.byIndex(byController, uid), ...world.pods.byIndex(byController, orphansOf(namespace))],
        failures: remembered?.uid === uid ? remembered.failures : undefined,
      }
    },
    plan: planJob,
    executors: {
      ...claimExecutors, ...podExecutors, ...statusExecutor, ...tellExecutor,
      async discardPod({ pod, owner }, context) {
        await untrack(pod, context)
        await podExecutors.deletePod({ do: 'deletePod', pod, owner }, context)
      },
      async untrackPods({ pods: finished }, context) {
        const outcomes = await Promise.allSettled(finished.map((pod) => untrack(pod, context)))
        const failed = outcomes.find((outcome) => outcome.status === 'rejected')
        if (failed) throw failed.reason
      },
      rememberFailures: ({ job, failures: counted }) => void failures.set(objectKey(job), { uid: job.metadata.uid, failures: counted }),
    },
  })
}

/** Takes the job's finalizer off a pod; a pod that is gone, or another one of its name, is as good. */
export async function untrack(pod: Stored<Pod>, { client }: ExecutionContext): Promise<void> {
  if (!isTracked(pod)) return
  const { name, namespace, uid } = pod.metadata
  const patch = { metadata: { uid, '$deleteFromPrimitiveList/finalizers': [trackingFinalizer] } }
  await client.resource(pods, namespace).patch(name, patch, { type: 'strategic' }).catch(unlessGone)
}

/** A pod concerns its controller, an orphan every job that would take it. */
function* jobsOf(pod: Stored<Pod>, all: Informer<Job>): Iterable<string> {
  const controller = controllerOf(pod)
  if (controller) {
    if (controller.kind === 'Job') yield `${pod.metadata.namespace}/${controller.name}`
    return
  }
  if (!pod.metadata.labels) return
  for (const job of all.list(pod.metadata.namespace)) if (labelSelectorOf(job.spec?.selector).matches(pod.metadata.labels)) yield objectKey(job)
}
