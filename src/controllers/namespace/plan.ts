// A namespace that is being deleted: its pods go first, then everything else, then its finalizer (source: pkg/controller/namespace/deletion).
import type { Namespace, NamespaceCondition, NamespaceStatus } from '../../api/generated/types.ts'
import type { Stored } from '../../api/object.ts'
import { rfc3339 } from '../../base/clock.ts'
import { nothingToDo, type Plan } from '../../controller/definition.ts'
import { canonical } from '../common/hash.ts'
import type { DiscoveredResource } from '../common/discovery.ts'
import { isDeleting } from '../common/owner.ts'

export interface Content {
  resource: DiscoveredResource
  items: readonly Stored[]
}

interface Observed {
  namespace: Stored<Namespace>
  /** Kinds of which there is something left. */
  content: readonly Content[]
  discoveryFailure: Error | undefined
  /** Kinds that could not be listed. */
  listFailures: readonly Error[]
}

type NamespaceStep =
  | { do: 'deleteAll'; namespace: string; resource: DiscoveredResource }
  | { do: 'deleteEach'; namespace: string; resource: DiscoveredResource; items: readonly Stored[] }
  | { do: 'updateStatus'; namespace: Stored<Namespace>; status: NamespaceStatus }
  | { do: 'finalize'; namespace: Stored<Namespace> }

const finalizer = 'kubernetes'
/** Content that has to wait for finalizers is looked at again after this time. */
const lookAgainMilliseconds = 2_000

export const hasFinalizer = (namespace: Namespace): boolean => namespace.spec?.finalizers?.includes(finalizer) ?? false

export function planNamespace(observed: Observed, now: number): Plan<NamespaceStep> {
  const { namespace, content, discoveryFailure, listFailures } = observed
  if (!isDeleting(namespace) || !hasFinalizer(namespace)) return nothingToDo
  const pods = content.filter(({ resource }) => resource.group === '' && resource.plural === 'pods')
  const turn = pods.length ? pods : content
  const fresh = turn.filter(({ items }) => items.some((item) => !isDeleting(item)))
  const failed = discoveryFailure !== undefined || listFailures.length > 0
  const status = (failure: Error | undefined): NamespaceStep[] => {
    if (fresh.length && !failure && !failed) return []
    return statusSteps(namespace, conditionsOf(observed, failure ? [...listFailures, failure] : listFailures, now))
  }
  if (fresh.length) return { steps: fresh.map((kind) => deletion(namespace, kind)), last: status, wakeAfter: 0 }
  if (content.length || failed) return { steps: [], last: status, wakeAfter: lookAgainMilliseconds }
  return { steps: [...status(undefined), { do: 'finalize', namespace }] }
}

function deletion({ metadata: { name: namespace } }: Stored<Namespace>, { resource, items }: Content): NamespaceStep {
  if (resource.verbs.includes('deletecollection')) return { do: 'deleteAll', namespace, resource }
  return { do: 'deleteEach', namespace, resource, items: items.filter((item) => !isDeleting(item)) }
}

function statusSteps(namespace: Stored<Namespace>, conditions: NamespaceCondition[]): NamespaceStep[] {
  const status = { ...namespace.status, phase: 'Terminating', conditions }
  return canonical(status) === canonical(namespace.status ?? {}) ? [] : [{ do: 'updateStatus', namespace, status }]
}

const fine: Readonly<Record<string, readonly [reason: string, message: string]>> = {
  NamespaceDeletionDiscoveryFailure: ['ResourcesDiscovered', 'All resources successfully discovered'],
  NamespaceDeletionGroupVersionParsingFailure: ['ParsedGroupVersions', 'All legacy kube types successfully parsed'],
  NamespaceDeletionContentFailure: ['ContentDeleted', 'All content successfully deleted, may be waiting on finalization'],
  NamespaceContentRemaining: ['ContentRemoved', 'All content successfully removed'],
  NamespaceFinalizersRemaining: ['ContentHasNoFinalizers', 'All content-preserving finalizers finished'],
}

function conditionsOf(observed: Observed, failures: readonly Error[], now: number): NamespaceCondition[] {
  const wrong = problems(observed, failures)
  const before = observed.namespace.status?.conditions ?? []
  const ours = Object.entries(fine).map(([type, [okReason, okMessage]]): NamespaceCondition => {
    const [reason, message] = wrong[type] ?? [okReason, okMessage]
    const status = wrong[type] ? 'True' : 'False'
    const old = before.find((condition) => condition.type === type)
    return { type, status, reason, message, lastTransitionTime: old?.status === status ? old.lastTransitionTime : rfc3339(now) }
  })
  return [...before.filter((condition) => !(condition.type in fine)), ...ours]
}

function problems({ content, discoveryFailure }: Observed, failures: readonly Error[]): Record<string, readonly [string, string]> {
  const finalizers = new Map<string, number>()
  for (const name of content.flatMap(({ items }) => items.flatMap((item) => item.metadata.finalizers ?? []))) {
    finalizers.set(name, (finalizers.get(name) ?? 0) + 1)
  }
  const remaining = content.map(({ resource, items }) => `${resource.plural}.${resource.group} has ${items.length} resource instances`).sort()
  const holding = [...finalizers].map(([name, count]) => `${name} in ${count} resource instances`).sort()
  const messages = failures.map((failure) => failure.message).sort()
  return {
    ...(discoveryFailure ? { NamespaceDeletionDiscoveryFailure: ['DiscoveryFailed', discoveryFailure.message] as const } : {}),
    ...(messages.length
      ? { NamespaceDeletionContentFailure: ['ContentDeletionFailed', `Failed to delete all resource types, ${messages.length} remaining: ${messages.join(', ')}`] as const }
      : {}),
    ...(remaining.length ? { NamespaceContentRemaining: ['SomeResourcesRemain', `Some resources are remaining: ${remaining.join(', ')}`] as const } : {}),
    ...(holding.length
      ? { NamespaceFinalizersRemaining: ['SomeFinalizersRemain', `Some content in the namespace has finalizers remaining: ${holding.join(', ')}`] as const }
      : {}),
  }
}
