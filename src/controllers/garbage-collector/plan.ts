// What becomes of an object whose owners go (source: pkg/controller/garbagecollector `attemptToDeleteItem`, `processDeletingDependentsItem`).
import type { OwnerReference } from '../../api/generated/types.ts'
import type { Stored } from '../../api/object.ts'
import { nothingToDo, type Plan } from '../../controller/definition.ts'
import { foregroundFinalizer, orphanFinalizer, type Node } from './graph.ts'

export type OwnerState = 'there' | 'waits' | 'absent'

export interface Observed {
  node: Node
  /** Read live. */
  object: Stored
  /** Of the live object's owners, by uid; those of which nothing is known now are not here. */
  owners: ReadonlyMap<string, OwnerState>
  dependents: readonly Node[]
}

type GarbageStep =
  | { do: 'letGo'; dependent: Node; owner: string }
  | { do: 'removeFinalizer'; node: Node; finalizer: string }
  | { do: 'setOwners'; node: Node; object: Stored; owners: readonly OwnerReference[] }
  | { do: 'delete'; node: Node; object: Stored; policy: 'Background' | 'Foreground' | 'Orphan' }

/** An owner whose kind is not known now is asked for again after this time. */
const unknownOwnerMilliseconds = 30_000

export function planGarbage(observed: Observed): Plan<GarbageStep> {
  const { node, object, dependents } = observed
  const finalizers = object.metadata.finalizers ?? []
  if (object.metadata.deletionTimestamp !== undefined) {
    if (finalizers.includes(orphanFinalizer)) {
      return { steps: [dependents.map((dependent) => ({ do: 'letGo', dependent, owner: node.uid })), { do: 'removeFinalizer', node, finalizer: orphanFinalizer }] }
    }
    const done = finalizers.includes(foregroundFinalizer) && !dependents.some((dependent) => blocks(dependent, node.uid))
    return done ? { steps: [{ do: 'removeFinalizer', node, finalizer: foregroundFinalizer }] } : nothingToDo
  }
  return planOwned(observed)
}

const blocks = (dependent: Node, owner: string): boolean => dependent.owners.some(({ uid, blockOwnerDeletion }) => uid === owner && blockOwnerDeletion)

function planOwned({ node, object, owners: states, dependents }: Observed): Plan<GarbageStep> {
  const owners = object.metadata.ownerReferences ?? []
  if (owners.length === 0) return nothingToDo
  if (owners.some(({ uid }) => !states.has(uid))) return { steps: [], wakeAfter: unknownOwnerMilliseconds }
  const there = owners.filter(({ uid }) => states.get(uid) === 'there')
  if (there.length === owners.length) return nothingToDo
  if (there.length) return { steps: [{ do: 'setOwners', node, object, owners: there }] }
  if (dependents.length && owners.some(({ uid }) => states.get(uid) === 'waits')) {
    const steps: GarbageStep[] = [{ do: 'delete', node, object, policy: 'Foreground' }]
    // a circle of objects that wait for each other must not block itself
    if (dependents.some((dependent) => dependent.waits)) {
      steps.unshift({ do: 'setOwners', node, object, owners: owners.map((owner) => ({ ...owner, blockOwnerDeletion: false })) })
    }
    return { steps }
  }
  const finalizers = object.metadata.finalizers ?? []
  const policy = finalizers.includes(orphanFinalizer) ? 'Orphan' : finalizers.includes(foregroundFinalizer) ? 'Foreground' : 'Background'
  return { steps: [{ do: 'delete', node, object, policy }] }
}
