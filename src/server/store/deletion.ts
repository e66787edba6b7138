// What a deletion comes to, as a pure function (sources: k8s.io/apiserver/pkg/registry/rest `BeforeDelete` and
// pkg/registry/generic/registry `Store.Delete`; for namespaces pkg/registry/core/namespace/storage).
import { rfc3339 } from '../../base/clock.ts'
import type { DeleteOptions } from '../../api/generated/types.ts'
import type { KubeObject, Stored } from '../../api/object.ts'
import type { ResourceDefinition } from '../../api/resource.ts'
import { conflictError } from '../../api/status-error.ts'
import { isTerminalPhase } from '../../api/pod-phase.ts'
import { clone, equal } from './bytes.ts'

type DeletionPlan =
  /** A graceful deletion is under way and this one changes nothing. */
  | { step: 'none' }
  /** Write the draft; with `thenDelete` remove it right after. */
  | { step: 'update'; draft: KubeObject; thenDelete: boolean }
  | { step: 'delete' }

interface DeletionInput {
  definition: ResourceDefinition
  current: Stored<KubeObject>
  options: DeleteOptions
  /** Wall time in milliseconds. */
  now: number
}

const orphan = 'orphan'
const foreground = 'foregroundDeletion'

export function planDeletion(input: DeletionInput): DeletionPlan {
  checkPreconditions(input)
  const { definition, current } = input
  if (definition.group === '' && definition.plural === 'namespaces') {
    if (!current.metadata.deletionTimestamp) return { step: 'update', draft: terminatingNamespace(input), thenDelete: false }
    if ((current as { spec?: { finalizers?: string[] } }).spec?.finalizers?.length) return { step: 'none' }
  }
  const finalizers = wantedFinalizers(input)
  if (!definition.graceSeconds && finalizers.length === 0) return { step: 'delete' }
  const draft = clone(current)
  const grace = planGrace(input, draft)
  if (grace === 'pending') return { step: 'none' }
  if (finalizers.length > 0) draft.metadata.finalizers = finalizers
  else delete draft.metadata.finalizers
  if (grace === 'none') {
    if (finalizers.length === 0) return { step: 'delete' }
    markAsDeleting(draft, input.now)
    return { step: 'update', draft, thenDelete: false }
  }
  return { step: 'update', draft, thenDelete: grace === 0 && finalizers.length === 0 }
}

function checkPreconditions({ definition, current, options }: DeletionInput): void {
  const { uid, resourceVersion } = options.preconditions ?? {}
  const of = { group: definition.group, resource: definition.kind }
  if (uid !== undefined && uid !== current.metadata.uid) {
    throw conflictError(of, current.metadata.name,
      `the UID in the precondition (${uid}) does not match the UID in record (${current.metadata.uid}). The object might have been deleted and then recreated`)
  }
  if (resourceVersion !== undefined && resourceVersion !== current.metadata.resourceVersion) {
    throw conflictError(of, current.metadata.name,
      `the ResourceVersion in the precondition (${resourceVersion}) does not match the ResourceVersion in record (${current.metadata.resourceVersion}). The object might have been modified`)
  }
}

/** Sets the times of a graceful deletion in `draft`. @returns the period, or that there is no grace, or that it runs already. */
function planGrace({ definition, current, options, now }: DeletionInput, draft: Stored<KubeObject>): number | 'none' | 'pending' {
  if (!definition.graceSeconds) return 'none'
  const { deletionTimestamp, deletionGracePeriodSeconds } = current.metadata
  const requested = options.gracePeriodSeconds === undefined ? undefined : options.gracePeriodSeconds < 0 ? 1 : options.gracePeriodSeconds
  if (deletionTimestamp) {
    if (!deletionGracePeriodSeconds) return 'none'
    if (requested === undefined || requested >= deletionGracePeriodSeconds) return 'pending'
    return shorten(draft, { requested, deletionTimestamp, present: deletionGracePeriodSeconds, now })
  }
  const period = endsAtOnce(current) ? 0 : (requested ?? Math.max(definition.graceSeconds(current), 0))
  draft.metadata.deletionTimestamp = rfc3339(now + period * 1000)
  draft.metadata.deletionGracePeriodSeconds = period
  if (draft.metadata.generation) draft.metadata.generation++
  return period
}

/** A pod that was never placed or has ended has nothing to be graceful about. */
function endsAtOnce(object: KubeObject): boolean {
  const { spec, status } = object as { spec?: { nodeName?: string }; status?: { phase?: string } }
  return !spec?.nodeName || isTerminalPhase(status?.phase)
}

function shorten(draft: Stored<KubeObject>, at: { requested: number; deletionTimestamp: string; present: number; now: number }): number {
  let period = at.requested
  let due = Date.parse(at.deletionTimestamp) + (at.requested - at.present) * 1000
  if (due < at.now) {
    due = at.now
    if (period !== 0) period = 1
  }
  draft.metadata.deletionTimestamp = rfc3339(due)
  draft.metadata.deletionGracePeriodSeconds = period
  return period
}

function wantedFinalizers({ definition, current, options }: DeletionInput): string[] {
  const present = current.metadata.finalizers ?? []
  const kept = present.filter((f) => f !== orphan && f !== foreground)
  if (shouldOrphan(present, options, definition.defaultPropagation === 'Orphan')) kept.push(orphan)
  if (shouldWaitForDependents(present, options)) kept.push(foreground)
  const same = kept.length === present.length && equal([...kept].sort(), [...present].sort())
  return same ? present : kept
}

function shouldOrphan(present: readonly string[], options: DeleteOptions, byDefault: boolean): boolean {
  if (options.orphanDependents !== undefined) return options.orphanDependents
  if (options.propagationPolicy !== undefined) return options.propagationPolicy === 'Orphan'
  const first = present.find((f) => f === orphan || f === foreground)
  return first === undefined ? byDefault : first === orphan
}

function shouldWaitForDependents(present: readonly string[], options: DeleteOptions): boolean {
  if (options.orphanDependents !== undefined) return false
  if (options.propagationPolicy !== undefined) return options.propagationPolicy === 'Foreground'
  return present.find((f) => f === orphan || f === foreground) === foreground
}

function markAsDeleting(draft: Stored<KubeObject>, now: number): void {
  const { metadata } = draft
  if (!metadata.deletionTimestamp && metadata.generation) metadata.generation++
  if (!metadata.deletionTimestamp || Date.parse(metadata.deletionTimestamp) > now) metadata.deletionTimestamp = rfc3339(now)
  metadata.deletionGracePeriodSeconds = 0
}

function terminatingNamespace({ current, options, now }: DeletionInput): KubeObject {
  const draft = clone(current) as Stored<KubeObject> & { status?: { phase?: string } }
  draft.metadata.deletionTimestamp = rfc3339(now)
  ;(draft.status ??= {}).phase = 'Terminating'
  const present = current.metadata.finalizers ?? []
  const kept = present.filter((f) => f !== orphan && f !== foreground)
  if (shouldOrphan(present, options, false)) kept.push(orphan)
  if (shouldWaitForDependents(present, options)) kept.push(foreground)
  if (kept.length > 0) draft.metadata.finalizers = kept
  return draft
}
