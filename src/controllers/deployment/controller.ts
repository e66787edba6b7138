import type { Deployment, Pod, ReplicaSet } from '../../api/generated/types.ts'
import { objectKey, type Stored } from '../../api/object.ts'
import { deployments, pods, replicasets } from '../../api/refs.ts'
import { labelSelectorOf } from '../../api/selector.ts'
import { StatusError, ignoreNotFound } from '../../api/status-error.ts'
import type { Informer } from '../../client/informer.ts'
import { changed, compared, type ExecutionContext } from '../../controller/definition.ts'
import { defineController } from '../../controller/run.ts'
import { getByKey } from '../common/keys.ts'
import { byController, claimExecutors, controllerIndex, controllerOf, orphansOf } from '../common/owner.ts'
import { isNamespaceTerminating } from '../common/pod-steps.ts'
import { planDeployment, SetCreationError } from './plan.ts'
import { annotation, sameTemplate } from './sets.ts'

export const deploymentController = defineController({
  name: 'deployment-controller',
  watches: ({ informer }) => ({
    deployments: informer<Deployment>(deployments),
    sets: informer<ReplicaSet>(replicasets, { indexes: controllerIndex }),
    pods: informer<Pod>(pods, { indexes: controllerIndex }),
  }),
  triggers: (world) => [
    changed(world.deployments, objectKey),
    changed(world.sets, (set) => deploymentsOf(set, world.deployments)),
    // Recreate waits for the last old pod to go
    compared(world.pods, (before, now) => (before && !now ? recreatedBy(before, world.sets, world.deployments) : [])),
  ],
  observe(key, world) {
    const deployment = getByKey(world.deployments, key)
    if (!deployment) return undefined
    const { uid, namespace } = deployment.metadata
    return {
      deployment, selector: labelSelectorOf(deployment.spec?.selector),
      sets: [...world.sets.byIndex(byController, uid), ...world.sets.byIndex(byController, orphansOf(namespace))],
      podsOf: (set: Stored<ReplicaSet>) => world.pods.byIndex(byController, set.metadata.uid),
    }
  },
  plan: planDeployment,
  executors: {
    ...claimExecutors,
    async createSet({ deployment, set }, context) {
      const name = set.metadata?.name ?? ''
      try {
        await context.client.resource(replicasets, deployment.metadata.namespace).create(set)
        if (set.spec?.replicas) context.events.event(deployment, 'Normal', 'ScalingReplicaSet', `Scaled up replica set ${name} from 0 to ${set.spec.replicas}`)
      } catch (error) {
        if (error instanceof StatusError && error.code === 409) return resolveCollision(deployment, set, context)
        if (isNamespaceTerminating(error)) throw error
        const message = `Failed to create new replica set "${name}": ${(error as Error).message}`
        context.events.event(deployment, 'Warning', 'ReplicaSetCreateError', message)
        throw new SetCreationError(message)
      }
    },
    async updateSet({ deployment, before, set }, { client, events }) {
      const { name, namespace } = set.metadata
      await client.resource(replicasets, namespace).update(set)
      const [from, to] = [before.spec?.replicas ?? 1, set.spec?.replicas ?? 1]
      if (from !== to) events.event(deployment, 'Normal', 'ScalingReplicaSet', `Scaled ${from < to ? 'up' : 'down'} replica set ${name} from ${from} to ${to}`)
    },
    async deleteSet({ set }, { client }) {
      const { name, namespace, uid } = set.metadata
      await client.resource(replicasets, namespace).delete(name, { preconditions: { uid } }).catch(ignoreNotFound)
    },
    async updateDeploymentStatus({ deployment, status, revision }, { client }) {
      const annotations = { ...deployment.metadata.annotations, ...(revision ? { [annotation.revision]: revision } : {}) }
      await client.resource(deployments, deployment.metadata.namespace).updateStatus({ ...deployment, metadata: { ...deployment.metadata, annotations }, status })
    },
    async refuse({ deployment }, { client, events }) {
      events.event(deployment, 'Warning', 'SelectingAll', 'This deployment is selecting all pods. A non-empty selector is required.')
      const { generation = 0 } = deployment.metadata
      if ((deployment.status?.observedGeneration ?? 0) >= generation) return
      await client.resource(deployments, deployment.metadata.namespace).updateStatus({ ...deployment, status: { ...deployment.status, observedGeneration: generation } })
    },
  },
})

/** The name is taken: by the very set that was wanted, or by another template's with the same hash; then the next hash is another one. */
async function resolveCollision(deployment: Stored<Deployment>, set: ReplicaSet, { client }: ExecutionContext): Promise<void> {
  const { name = '', namespace } = set.metadata ?? {}
  const taken = await client.resource(replicasets, namespace).get(name)
  if (controllerOf(taken)?.uid === deployment.metadata.uid && sameTemplate(taken.spec!.template!, deployment.spec!.template)) return
  const collisionCount = (deployment.status?.collisionCount ?? 0) + 1
  await client.resource(deployments, namespace).updateStatus({ ...deployment, status: { ...deployment.status, collisionCount } })
  throw new Error(`the name ${name} is taken by another ReplicaSet`)
}

function* deploymentsOf(set: Stored<ReplicaSet>, all: Informer<Deployment>): Iterable<string> {
  const controller = controllerOf(set)
  if (controller) {
    if (controller.kind === 'Deployment') yield `${set.metadata.namespace}/${controller.name}`
    return
  }
  if (!set.metadata.labels) return
  for (const deployment of all.list(set.metadata.namespace)) {
    const selector = labelSelectorOf(deployment.spec?.selector)
    if (!selector.empty && selector.matches(set.metadata.labels)) yield objectKey(deployment)
  }
}

function* recreatedBy(pod: Stored<Pod>, sets: Informer<ReplicaSet>, all: Informer<Deployment>): Iterable<string> {
  const owner = controllerOf(pod)
  const set = owner?.kind === 'ReplicaSet' ? sets.get(owner.name, pod.metadata.namespace) : undefined
  const parent = set && controllerOf(set)
  const deployment = parent && all.get(parent.name, pod.metadata.namespace)
  if (deployment?.spec?.strategy?.type === 'Recreate') yield objectKey(deployment)
}
