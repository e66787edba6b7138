// `pods/eviction`: a deletion that asks the pod's disruption budget first (source: pkg/registry/core/pod/storage `EvictionREST`).
import { rfc3339 } from '../../base/clock.ts'
import type { DeleteOptions, Eviction, Pod, PodDisruptionBudget } from '../../api/generated/types.ts'
import type { Stored } from '../../api/object.ts'
import { poddisruptionbudgets, pods } from '../../api/refs.ts'
import { labelSelectorOf } from '../../api/selector.ts'
import { badRequestError, forbiddenError, notFoundError, StatusError } from '../../api/status-error.ts'
import { isTerminalPhase } from '../../api/pod-phase.ts'
import { admitMutating, admitValidating } from '../admission-chain.ts'
import type { Call } from '../call.ts'
import { parseWriteOptions, type WriteOptions } from '../request/query.ts'
import { clone } from '../store/bytes.ts'
import { deleteObject } from '../store/delete.ts'
import { updateObject } from '../store/update.ts'
import { withCondition } from './conditions.ts'
import { answerSuccess, bodyAs, type OwnSubresource } from './own-subresource.ts'

const mostDisruptedPods = 2000

export const eviction: OwnSubresource = {
  methods: ['POST'],
  kind: { group: 'policy', version: 'v1', kind: 'Eviction' },
  async run(call) {
    const body = await bodyAs<Eviction>(call, 'Eviction', 'policy/v1', 'policy/v1beta1')
    if (body.metadata?.name !== call.info.name) throw badRequestError('name in URL does not match name in Eviction object')
    const options = parseWriteOptions(call.request.query, 'CreateOptions', call.request.headers['user-agent'])
    if (body.deleteOptions?.dryRun?.includes('All')) options.dryRun = true
    const admission = { operation: 'CREATE', draft: body, dryRun: options.dryRun } as const
    await admitMutating(call, admission)
    await admitValidating(call, admission)
    await evict(call, body.deleteOptions ?? {}, options)
    return answerSuccess(call)
  },
}

async function evict(call: Call, deletion: DeleteOptions, options: WriteOptions): Promise<void> {
  const { namespace, name } = call.info
  const pod = call.parts.reader.get(pods, name, namespace)
  if (!pod) throw notFoundError({ group: '', resource: 'pods' }, name)
  if (!needsNoBudget(pod)) await takeFromBudget(call, pod, options)
  if (!options.dryRun) await markAsEvicted(call, deletion, options)
  await deleteObject(call, { namespace, name }, { ...deletion, preconditions: withoutRevision(deletion), ...(options.dryRun ? { dryRun: ['All'] } : {}) })
}

/** The pod's revision was checked when it was marked, which gave it a new one. */
function withoutRevision({ preconditions }: DeleteOptions): DeleteOptions['preconditions'] {
  return preconditions?.uid === undefined ? undefined : { uid: preconditions.uid }
}

const needsNoBudget = ({ status, metadata }: Stored<Pod>): boolean =>
  isTerminalPhase(status?.phase) || status?.phase === 'Pending' || metadata.deletionTimestamp !== undefined

async function markAsEvicted(call: Call, { preconditions }: DeleteOptions, options: WriteOptions): Promise<void> {
  const now = rfc3339(call.parts.clock.now())
  const resource = call.parts.registry.find('', 'v1', 'pods')!
  await updateObject({ ...call, resource }, {
    name: call.info.name, options, partial: true, uidIsPrecondition: true,
    draft(current) {
      const draft = clone(current) as Stored<Pod>
      if (preconditions?.uid) draft.metadata.uid = preconditions.uid
      if (preconditions?.resourceVersion) draft.metadata.resourceVersion = preconditions.resourceVersion
      const condition = { type: 'DisruptionTarget', status: 'True', reason: 'EvictionByEvictionAPI', message: 'Eviction API: evicting' }
      draft.status = { ...draft.status, conditions: withCondition(draft.status?.conditions, condition, now) }
      return draft
    },
  })
}

async function takeFromBudget(call: Call, pod: Stored<Pod>, options: WriteOptions): Promise<void> {
  const budgets = call.parts.reader.list(poddisruptionbudgets, call.info.namespace).filter((pdb) => covers(pdb, pod))
  if (budgets.length > 1) throw new StatusError(500, '', 'This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.')
  const budget = budgets[0]
  if (!budget || mayGoUnready(pod, budget)) return
  const resource = call.parts.registry.find('policy', 'v1', 'poddisruptionbudgets')!
  const now = rfc3339(call.parts.clock.now())
  await updateObject({ ...call, resource }, {
    name: budget.metadata.name, options, partial: true, uidIsPrecondition: true,
    draft: (current) => decremented(clone(current) as Stored<PodDisruptionBudget>, pod.metadata.name, now),
  })
}

function covers({ spec, metadata }: Stored<PodDisruptionBudget>, pod: Stored<Pod>): boolean {
  if (!spec?.selector || metadata.namespace !== pod.metadata.namespace) return false
  return labelSelectorOf(spec.selector).matches(pod.metadata.labels)
}

/** A pod that is not ready does not count, unless the budget has not even its healthy ones. */
function mayGoUnready({ status }: Stored<Pod>, { spec, status: budget }: Stored<PodDisruptionBudget>): boolean {
  if (status?.conditions?.some((c) => c.type === 'Ready' && c.status === 'True')) return false
  if (spec?.unhealthyPodEvictionPolicy === 'AlwaysAllow') return true
  return (budget?.currentHealthy ?? 0) >= (budget?.desiredHealthy ?? 0) && (budget?.desiredHealthy ?? 0) > 0
}

function decremented(pdb: Stored<PodDisruptionBudget>, podName: string, now: string): Stored<PodDisruptionBudget> {
  const status = (pdb.status ??= { currentHealthy: 0, desiredHealthy: 0, disruptionsAllowed: 0, expectedPods: 0 })
  const { name, generation = 0 } = pdb.metadata
  const of = { group: 'policy', resource: 'poddisruptionbudget' }
  if ((status.observedGeneration ?? 0) < generation) throw refusal(`The disruption budget ${name} is still being processed by the server.`, 10)
  const allowed = status.disruptionsAllowed ?? 0
  if (allowed < 0) throw forbiddenError(of, name, 'pdb disruptions allowed is negative')
  if (Object.keys(status.disruptedPods ?? {}).length > mostDisruptedPods) {
    throw forbiddenError(of, name, 'DisruptedPods map too big - too many evictions not confirmed by PDB controller')
  }
  if (allowed === 0) {
    throw refusal(`The disruption budget ${name} needs ${status.desiredHealthy ?? 0} healthy pods and has ${status.currentHealthy ?? 0} currently`, 0)
  }
  status.disruptionsAllowed = allowed - 1
  if (allowed === 1) {
    const condition = { type: 'DisruptionAllowed', status: 'False', reason: 'InsufficientPods', message: '', observedGeneration: status.observedGeneration, lastTransitionTime: now }
    status.conditions = withCondition(status.conditions, condition, now)
  }
  status.disruptedPods = { ...status.disruptedPods, [podName]: now }
  return pdb
}

function refusal(why: string, retryAfterSeconds: number): StatusError {
  return new StatusError(429, 'TooManyRequests', "Cannot evict pod as it would violate the pod's disruption budget.", {
    causes: [{ reason: 'DisruptionBudget', message: why }], ...(retryAfterSeconds ? { retryAfterSeconds } : {}),
  })
}
