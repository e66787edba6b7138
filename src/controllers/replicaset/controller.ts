// Two controllers with one planner: ReplicaSet and ReplicationController.
import type { Pod, ReplicaSet, ReplicationController } from '../../api/generated/types.ts'
import { objectKey, type Stored } from '../../api/object.ts'
import { pods, replicasets, replicationcontrollers } from '../../api/refs.ts'
import type { ResourceRef } from '../../api/resource.ts'
import { labelSelectorOf, nothing, selectorFromLabels, type LabelSelector } from '../../api/selector.ts'
import type { Informer } from '../../client/informer.ts'
import { changed, type Controller } from '../../controller/definition.ts'
import { defineController } from '../../controller/run.ts'
import { getByKey } from '../common/keys.ts'
import { byController, claimExecutors, controllerIndex, controllerOf, orphansOf } from '../common/owner.ts'
import { isActive } from '../common/pods.ts'
import { podExecutors } from '../common/pod-steps.ts'
import { statusExecutor } from '../common/status.ts'
import { planReplicas, type ReplicaOwner } from './plan.ts'

interface World {
  owners: Informer<ReplicaOwner>
  pods: Informer<Pod>
}

interface Variant<T extends ReplicaOwner> {
  name: string
  ref: ResourceRef<T>
  selectorOf(owner: T): LabelSelector
  relatedPods(owner: Stored<ReplicaOwner>, world: World): readonly Pod[]
  reportsTerminating: boolean
}

function defineReplicaController<T extends ReplicaOwner>({ name, ref, selectorOf, relatedPods, reportsTerminating }: Variant<T>): Controller {
  return defineController({
    name,
    watches: ({ informer }): World => ({
      owners: informer(ref, { indexes: controllerIndex }) as unknown as Informer<ReplicaOwner>,
      pods: informer(pods, { indexes: controllerIndex }),
    }),
    triggers: (world) => [
      changed(world.owners, objectKey),
      changed(world.pods, (pod) => ownersOfPod(pod, world.owners, ref.kind, selectorOf as (owner: ReplicaOwner) => LabelSelector)),
    ],
    observe(key, world) {
      const owner = getByKey(world.owners, key)
      if (!owner) return undefined
      const candidates = [...world.pods.byIndex(byController, owner.metadata.uid), ...world.pods.byIndex(byController, orphansOf(owner.metadata.namespace))]
      return { owner, ownerRef: ref as ResourceRef, selector: selectorOf(owner as unknown as T), pods: candidates, related: relatedPods(owner, world), reportsTerminating }
    },
    plan: planReplicas,
    executors: { ...claimExecutors, ...podExecutors, ...statusExecutor },
  })
}

/** A pod concerns its controller, an orphan everybody who would take it. */
function* ownersOfPod(pod: Stored<Pod>, owners: Informer<ReplicaOwner>, kind: string, selectorOf: (owner: ReplicaOwner) => LabelSelector): Iterable<string> {
  const controller = controllerOf(pod)
  if (controller) {
    if (controller.kind === kind) yield `${pod.metadata.namespace}/${controller.name}`
    return
  }
  if (!pod.metadata.labels || !isActive(pod)) return
  for (const owner of owners.list(pod.metadata.namespace)) if (selectorOf(owner).matches(pod.metadata.labels)) yield objectKey(owner)
}

export const replicaSetController = defineReplicaController<ReplicaSet & ReplicaOwner>({
  name: 'replicaset-controller',
  ref: replicasets as ResourceRef<ReplicaSet & ReplicaOwner>,
  selectorOf: (owner) => labelSelectorOf(owner.spec?.selector),
  reportsTerminating: true,
  relatedPods(owner, { owners, pods: all }) {
    const parent = controllerOf(owner)
    const siblings = parent ? owners.byIndex(byController, parent.uid) : [owner]
    return siblings.flatMap((sibling) => all.byIndex(byController, sibling.metadata.uid)).filter(isActive)
  },
})

export const replicationController = defineReplicaController<ReplicationController & ReplicaOwner>({
  name: 'replication-controller',
  ref: replicationcontrollers as ResourceRef<ReplicationController & ReplicaOwner>,
  selectorOf: (owner) => (Object.keys(owner.spec?.selector ?? {}).length ? selectorFromLabels(owner.spec!.selector!) : nothing),
  reportsTerminating: false,
  relatedPods: (owner, world) => world.pods.byIndex(byController, owner.metadata.uid).filter(isActive),
})
