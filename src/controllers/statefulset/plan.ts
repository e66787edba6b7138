// StatefulSets: individuals, one after the other unless they may come in parallel (source: pkg/controller/statefulset).
import type { ControllerRevision, OwnerReference, PersistentVolumeClaim, Pod, StatefulSet, StatefulSetStatus } from '../../api/generated/types.ts'
import type { Stored } from '../../api/object.ts'
import { isFinished } from '../../api/pod-phase.ts'
import { controllerrevisions, pods as podsRef, statefulsets } from '../../api/refs.ts'
import type { ResourceRef } from '../../api/resource.ts'
import type { LabelSelector } from '../../api/selector.ts'
import type { Since } from '../../base/clock.ts'
import type { Plan } from '../../controller/definition.ts'
import { scaledValue } from '../common/int-or-percent.ts'
import { claim, claimSteps, controllerRefTo, isDeleting, type ClaimStep } from '../common/owner.ts'
import { isAvailable, isReady, nextAvailability } from '../common/pods.ts'
import { historyOf, historySteps, surplusRevisions, templateOf, type RevisionStep } from '../common/revisions.ts'
import { statusSteps, type StatusStep } from '../common/status.ts'
import { claimsOf, firstOrdinal, hasIdentity, identityLabels, isInRange, memberPod, ordinalOf, revisionLabel, volumesOf, wantedReplicas } from './identity.ts'
import { ownersOfClaim } from './retention.ts'

interface Observed {
  set: Stored<StatefulSet>
  selector: LabelSelector
  /** Under the set's control, and those of its namespace under nobody's; the same for revisions. */
  pods: readonly Stored<Pod>[]
  revisions: readonly Stored<ControllerRevision>[]
  claim(name: string): Stored<PersistentVolumeClaim> | undefined
}

type StatefulStep =
  | ClaimStep
  | StatusStep
  | RevisionStep
  | { do: 'createMember'; set: Stored<StatefulSet>; pod: Pod; claims: readonly PersistentVolumeClaim[] }
  | { do: 'createClaims'; set: Stored<StatefulSet>; pod: Stored<Pod>; claims: readonly PersistentVolumeClaim[] }
  | { do: 'repairMember'; set: Stored<StatefulSet>; pod: Stored<Pod> }
  | { do: 'deleteMember'; set: Stored<StatefulSet>; pod: Stored<Pod> }
  | { do: 'setClaimOwners'; claim: Stored<PersistentVolumeClaim>; owners: readonly OwnerReference[] }

const ref = statefulsets as ResourceRef
/** Upstream's label for the hash of a revision. */
const hashLabel = 'controller.kubernetes.io/hash'

interface Round extends Observed {
  current: Stored<ControllerRevision>
  update: Stored<ControllerRevision>
  ordered: boolean
  since: Since
}

export function planStatefulSet(observed: Observed, _now: number, since: Since): Plan<StatefulStep> {
  const { set, selector } = observed
  const members = claim(set, selector, observed.pods.filter((pod) => ordinalOf(set, pod) >= 0))
  const revisions = claim(set, selector, observed.revisions)
  const claims = [...claimSteps(members, podsRef as ResourceRef, set, ref), ...claimSteps(revisions, controllerrevisions as ResourceRef, set, ref)]
  const history = historyOf(set, revisions.mine)
  const written = historySteps(history, set, ref, hashLabel)
  const update = history.current
  if (!update) return { steps: [...claims, ...(isDeleting(set) ? [] : written)] }
  const current = revisions.mine.find((revision) => revision.metadata.name === set.status?.currentRevision) ?? update
  const round: Round = { ...observed, pods: members.mine, current, update, ordered: set.spec?.podManagementPolicy !== 'Parallel', since }
  const used = new Set([current.metadata.name, update.metadata.name, ...members.mine.map(revisionOf)])
  const unused = { ...history, old: history.old.filter((revision) => !used.has(revision.metadata.name)) }
  return {
    steps: [...claims, ...written, ...(isDeleting(set) ? [] : changes(round)), ...surplusRevisions(unused, set.spec?.revisionHistoryLimit ?? 10, () => false)],
    last: () => statusSteps<StatefulSet>(statefulsets, set, statusOf(round)),
    wakeAfter: nextAvailability(members.mine, set.spec?.minReadySeconds, since),
  }
}

const revisionOf = (pod: Pod): string => pod.metadata?.labels?.[revisionLabel] ?? ''

const isUnavailable = (pod: Stored<Pod> | undefined, { set, since }: Round): boolean =>
  !pod || isDeleting(pod) || !isAvailable(pod, set.spec?.minReadySeconds, since)

function changes(round: Round): (StatefulStep | readonly StatefulStep[])[] {
  const { set, pods, ordered } = round
  const byOrdinal = new Map(pods.map((pod) => [ordinalOf(set, pod), pod]))
  const ordinals = Array.from({ length: wantedReplicas(set) }, (_, i) => firstOrdinal(set) + i)
  const condemned = pods.filter((pod) => !isInRange(set, ordinalOf(set, pod))).sort((a, b) => ordinalOf(set, b) - ordinalOf(set, a))
  const steps: StatefulStep[] = []
  for (const ordinal of ordinals) {
    const { steps: own, wait } = maintain(round, ordinal, byOrdinal.get(ordinal))
    steps.push(...own)
    if (wait && ordered) return steps
  }
  const members = ordinals.map((ordinal) => byOrdinal.get(ordinal))
  const firstUnhealthy = [...members, ...[...condemned].reverse()].find((pod) => isUnavailable(pod, round))
  for (const pod of condemned) {
    const { steps: own, wait } = condemn(round, pod, firstUnhealthy)
    steps.push(...claimOwners(round, pod), ...own)
    if (wait && ordered) return steps
  }
  if (steps.length) return ordered ? steps : [steps]
  return set.spec?.updateStrategy?.type === 'OnDelete' ? [] : updates(round, members)
}

interface Turn {
  steps: StatefulStep[]
  /** In an ordered set the next member has to wait. */
  wait: boolean
}

function maintain(round: Round, ordinal: number, pod: Stored<Pod> | undefined): Turn {
  const { set } = round
  const claims = [...claimsOf(set, ordinal).values()]
  if (!pod) {
    // a claim that is going away must be gone first
    if (claims.some((wanted) => isGoing(round, wanted))) return { steps: [], wait: true }
    return { steps: [{ do: 'createMember', set, pod: newMember(round, ordinal), claims }], wait: true }
  }
  if (isFinished(pod)) return { steps: isDeleting(pod) ? [] : [{ do: 'deleteMember', set, pod }], wait: true }
  const missing = pod.status?.phase === 'Pending' ? claims.filter((wanted) => !round.claim(wanted.metadata?.name ?? '')) : []
  const steps: StatefulStep[] = missing.length ? [{ do: 'createClaims', set, pod, claims: missing }] : []
  if (isDeleting(pod)) return { steps, wait: true }
  const wait = pod.status?.phase !== 'Running' || isUnavailable(pod, round)
  if (wait && round.ordered) return { steps, wait }
  if (!hasIdentity(set, pod)) steps.push({ do: 'repairMember', set, pod })
  return { steps: [...steps, ...claimOwners(round, pod)], wait }
}

const isGoing = (round: Round, wanted: PersistentVolumeClaim): boolean => {
  const present = round.claim(wanted.metadata?.name ?? '')
  return present !== undefined && isDeleting(present)
}

/** Below the partition, or as many as still run it, members keep the revision that was. */
function newMember({ set, pods, current, update }: Round, ordinal: number): Pod {
  const rolling = set.spec?.updateStrategy?.rollingUpdate
  const kept = rolling ? (rolling.partition ?? 0) : pods.filter((pod) => revisionOf(pod) === current.metadata.name && !isDeleting(pod)).length
  const keeps = set.spec?.updateStrategy?.type !== 'OnDelete' && ordinal < firstOrdinal(set) + kept
  const revision = keeps ? current : update
  const pod = memberPod(set, templateOf(revision), ordinal, revision.metadata.name)
  return { ...pod, metadata: { ...pod.metadata, ownerReferences: [controllerRefTo(set, ref)] } }
}

function claimOwners({ set, claim: find }: Round, pod: Stored<Pod>): StatefulStep[] {
  return [...claimsOf(set, ordinalOf(set, pod)).values()].flatMap(({ metadata }): StatefulStep[] => {
    const present = find(metadata?.name ?? '')
    const owners = present && !isDeleting(present) ? ownersOfClaim(set, pod, present) : undefined
    return present && owners ? [{ do: 'setClaimOwners', claim: present, owners }] : []
  })
}

function condemn(round: Round, pod: Stored<Pod>, firstUnhealthy: Stored<Pod> | undefined): Turn {
  if (isDeleting(pod)) return { steps: [], wait: true }
  if (round.ordered && isUnavailable(pod, round) && pod !== firstUnhealthy) return { steps: [], wait: true }
  return { steps: [{ do: 'deleteMember', set: round.set, pod }], wait: true }
}

/** Old members go from the highest ordinal down: one at a time, or as many as may be unavailable. */
function updates(round: Round, members: readonly (Stored<Pod> | undefined)[]): StatefulStep[] {
  const { set, update } = round
  const { partition = 0, maxUnavailable } = set.spec?.updateStrategy?.rollingUpdate ?? {}
  const isOld = (pod: Stored<Pod> | undefined) => pod !== undefined && revisionOf(pod) !== update.metadata.name && !isDeleting(pod)
  const downward = members.slice(partition).reverse()
  const next = downward.findIndex((pod) => isOld(pod) || isUnavailable(pod, round))
  const most = maxUnavailable === undefined ? undefined : Math.max(1, scaledValue(maxUnavailable, wantedReplicas(set), 'down'))
  const free = most === undefined ? 0 : Math.max(0, most - members.filter((pod) => isUnavailable(pod, round)).length)
  const chosen = most === undefined ? [downward[next]].filter(isOld) : downward.filter(isOld).slice(0, free)
  return chosen.map((pod) => ({ do: 'deleteMember', set, pod: pod! }))
}

function statusOf({ set, pods, current, update, since }: Round): StatefulSetStatus {
  const created = pods.filter((pod) => pod.status?.phase)
  const ready = created.filter((pod) => pod.status?.phase === 'Running' && isReady(pod))
  const of = (revision: Stored<ControllerRevision>) => created.filter((pod) => !isDeleting(pod) && revisionOf(pod) === revision.metadata.name).length
  const replicas = created.length
  const updatedReplicas = of(update)
  const wanted = wantedReplicas(set)
  const complete = set.spec?.updateStrategy?.type !== 'OnDelete' && updatedReplicas === wanted && ready.length === wanted && replicas === wanted
  const counts = { readyReplicas: ready.length, currentReplicas: complete ? updatedReplicas : of(current), updatedReplicas, observedGeneration: set.metadata.generation ?? 0 }
  return {
    replicas, availableReplicas: ready.filter((pod) => isAvailable(pod, set.spec?.minReadySeconds, since)).length,
    ...Object.fromEntries(Object.entries(counts).filter(([, n]) => n > 0)),
    currentRevision: complete ? update.metadata.name : current.metadata.name, updateRevision: update.metadata.name, collisionCount: set.status?.collisionCount ?? 0,
    ...(set.status?.conditions ? { conditions: set.status.conditions } : {}),
  }
}

/** The member's pod with what makes it one. */
export function repaired(set: Stored<StatefulSet>, pod: Stored<Pod>): Stored<Pod> {
  const ordinal = ordinalOf(set, pod)
  return {
    ...pod, metadata: { ...pod.metadata, labels: { ...pod.metadata.labels, ...identityLabels(set, ordinal) } },
    spec: { ...pod.spec!, volumes: volumesOf(set, pod.spec?.volumes, ordinal) },
  }
}
