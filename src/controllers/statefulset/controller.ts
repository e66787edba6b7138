import type { PersistentVolumeClaim, Pod, StatefulSet } from '../../api/generated/types.ts'
import { objectKey, type Stored } from '../../api/object.ts'
import { controllerrevisions, persistentvolumeclaims, pods, statefulsets } from '../../api/refs.ts'
import { labelSelectorOf } from '../../api/selector.ts'
import { StatusError } from '../../api/status-error.ts'
import type { Informer } from '../../client/informer.ts'
import { changed, compared, type ExecutionContext } from '../../controller/definition.ts'
import { defineController } from '../../controller/run.ts'
import { getByKey } from '../common/keys.ts'
import { byController, claimExecutors, controllerIndex, controllerOf, orphansOf } from '../common/owner.ts'
import { isNamespaceTerminating } from '../common/pod-steps.ts'
import { revisionExecutors } from '../common/revisions.ts'
import { statusExecutor } from '../common/status.ts'
import { planStatefulSet, repaired } from './plan.ts'

export const statefulSetController = defineController({
  name: 'statefulset-controller',
  watches: ({ informer }) => ({
    sets: informer(statefulsets),
    pods: informer(pods, { indexes: controllerIndex }),
    revisions: informer(controllerrevisions, { indexes: controllerIndex }),
    claims: informer(persistentvolumeclaims),
  }),
  triggers: (world) => [
    changed(world.sets, objectKey),
    changed(world.pods, (pod) => setsOf(pod, world.sets)),
    changed(world.revisions, (revision) => {
      const owner = controllerOf(revision)
      return owner?.kind === 'StatefulSet' ? `${revision.metadata.namespace}/${owner.name}` : undefined
    }),
    // a member may wait for its claim to be gone
    compared(world.claims, (before, now) => (now ? [] : setsOfClaim(before!, world.sets))),
  ],
  observe(key, world) {
    const set = getByKey(world.sets, key)
    if (!set) return undefined
    const { uid, namespace } = set.metadata
    const orphans = orphansOf(namespace)
    return {
      set, selector: labelSelectorOf(set.spec?.selector),
      pods: [...world.pods.byIndex(byController, uid), ...world.pods.byIndex(byController, orphans)],
      revisions: [...world.revisions.byIndex(byController, uid), ...world.revisions.byIndex(byController, orphans)],
      claim: (name: string) => world.claims.get(name, namespace),
    }
  },
  plan: planStatefulSet,
  executors: {
    ...claimExecutors,
    ...revisionExecutors,
    ...statusExecutor,
    async createMember({ set, pod, claims }, context) {
      await reported(context, { set, pod, verb: 'Create' }, async () => {
        await createClaims(claims, set, pod, context)
        await context.client.resource(pods, set.metadata.namespace).create(pod)
      })
    },
    createClaims: ({ claims, set, pod }, context) => createClaims(claims, set, pod, context),
    async repairMember({ set, pod }, context) {
      await reported(context, { set, pod, verb: 'Update' }, async () => void (await context.client.resource(pods, set.metadata.namespace).update(repaired(set, pod))))
    },
    async deleteMember({ set, pod }, context) {
      const { name, namespace, uid } = pod.metadata
      await reported(context, { set, pod, verb: 'Delete' }, async () => {
        await context.client.resource(pods, namespace).delete(name, { preconditions: { uid } }).catch((error: unknown) => {
          if (!(error instanceof StatusError && (error.code === 404 || error.code === 409))) throw error
        })
      })
    },
    async setClaimOwners({ claim, owners }, { client }) {
      await client.resource(persistentvolumeclaims, claim.metadata.namespace).update({ ...claim, metadata: { ...claim.metadata, ownerReferences: [...owners] } })
    },
  },
})

interface Reported {
  set: Stored<StatefulSet>
  pod: Pod
  verb: 'Create' | 'Update' | 'Delete'
}

async function reported({ events }: ExecutionContext, { set, pod, verb }: Reported, work: () => Promise<void>): Promise<void> {
  const what = `${verb} Pod ${pod.metadata?.name} in StatefulSet ${set.metadata.name}`
  try {
    await work()
    events.event(set, 'Normal', `Successful${verb}`, `${what} successful`)
  } catch (error) {
    if (isNamespaceTerminating(error)) return
    const taken = error instanceof StatusError && error.reason === 'AlreadyExists'
    if (!taken) events.event(set, 'Warning', `Failed${verb}`, `${what} failed error: ${(error as Error).message}`)
    throw error
  }
}

async function createClaims(claims: readonly PersistentVolumeClaim[], set: Stored<StatefulSet>, pod: Pod, { client, events }: ExecutionContext): Promise<void> {
  for (const claim of claims) {
    const name = claim.metadata?.name
    try {
      await client.resource(persistentvolumeclaims, set.metadata.namespace).create(claim)
      events.event(set, 'Normal', 'SuccessfulCreate', `Create Claim ${name} Pod ${pod.metadata?.name} in StatefulSet ${set.metadata.name} success`)
    } catch (error) {
      if (error instanceof StatusError && error.reason === 'AlreadyExists') continue
      if (isNamespaceTerminating(error)) throw error
      const what = `Create Claim ${name} for Pod ${pod.metadata?.name} in StatefulSet ${set.metadata.name}`
      events.event(set, 'Warning', 'FailedCreate', `${what} failed error: ${(error as Error).message}`)
      throw error
    }
  }
}

function* setsOf(pod: Stored<Pod>, sets: Informer<StatefulSet>): Iterable<string> {
  const controller = controllerOf(pod)
  if (controller) {
    if (controller.kind === 'StatefulSet') yield `${pod.metadata.namespace}/${controller.name}`
    return
  }
  if (!pod.metadata.labels) return
  for (const set of sets.list(pod.metadata.namespace)) if (labelSelectorOf(set.spec?.selector).matches(pod.metadata.labels)) yield objectKey(set)
}

function setsOfClaim({ metadata }: Stored<PersistentVolumeClaim>, sets: Informer<StatefulSet>): string[] {
  const isOf = (set: Stored<StatefulSet>) =>
    set.spec?.volumeClaimTemplates?.some((template) => metadata.name.startsWith(`${template.metadata?.name}-${set.metadata.name}-`))
  return sets.list(metadata.namespace).filter(isOf).map(objectKey)
}
