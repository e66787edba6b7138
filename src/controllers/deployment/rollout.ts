// How many pods each ReplicaSet gets (source: pkg/controller/deployment/{sync,rolling,recreate}.go). The functions change drafts.
import type { Deployment } from '../../api/generated/types.ts'
import { annotation, limits, older, scale, total, wantedReplicas, type SetDraft } from './sets.ts'

/** How many pods the set of the present template may have now. */
export function newSetReplicas(deployment: Deployment, all: readonly SetDraft[], current: number): number {
  const wanted = wantedReplicas(deployment)
  if (deployment.spec?.strategy?.type === 'Recreate') return wanted
  const free = wanted + limits(deployment).surge - total(all)
  return free <= 0 ? current : current + Math.min(free, wanted - current)
}

/** One step of a rolling update: first up, in the next round down. @returns whether anything was scaled. */
export function roll(deployment: Deployment, newSet: SetDraft, oldSets: readonly SetDraft[]): boolean {
  const wanted = wantedReplicas(deployment)
  const all = [...oldSets, newSet]
  if (newSet.replicas !== wanted) {
    const before = newSet.replicas
    const next = before > wanted ? wanted : newSetReplicas(deployment, all, before)
    if (next !== before) scale(newSet, next, deployment)
    if (next !== before) return true
  }
  return shrinkOld(deployment, newSet, oldSets)
}

function shrinkOld(deployment: Deployment, newSet: SetDraft, oldSets: readonly SetDraft[]): boolean {
  const active = oldSets.filter((set) => set.replicas > 0).sort((a, b) => older(a.set, b.set))
  if (active.length === 0) return false
  const leastAvailable = wantedReplicas(deployment) - limits(deployment).unavailable
  const unavailableNew = newSet.replicas - newSet.available
  const most = total(oldSets) + newSet.replicas - leastAvailable - unavailableNew
  if (most <= 0) return false
  const unhealthy = take(deployment, active, most, (set) => set.replicas - set.available)
  const available = [...active, newSet].reduce((sum, set) => sum + set.available, 0)
  const healthy = take(deployment, active, available - leastAvailable, (set) => set.replicas)
  return unhealthy + healthy > 0
}

function take(deployment: Deployment, sets: readonly SetDraft[], most: number, from: (set: SetDraft) => number): number {
  let taken = 0
  for (const set of sets) {
    const count = Math.min(most - taken, from(set))
    if (count <= 0) continue
    scale(set, set.replicas - count, deployment)
    taken += count
  }
  return taken
}

/** @returns whether anything was scaled. */
export function stopOld(deployment: Deployment, oldSets: readonly SetDraft[]): boolean {
  const active = oldSets.filter((set) => set.replicas > 0)
  for (const set of active) scale(set, 0, deployment)
  return active.length > 0
}

/** The number of replicas has changed, or the deployment is paused: no rollout, sizes in proportion. */
export function scaleInProportion(deployment: Deployment, newSet: SetDraft | undefined, oldSets: readonly SetDraft[]): void {
  const wanted = wantedReplicas(deployment)
  const all = newSet ? [...oldSets, newSet] : [...oldSets]
  const active = all.filter((set) => set.replicas > 0)
  const only = active.length === 0 ? (newSet ?? [...oldSets].sort((a, b) => older(b.set, a.set))[0]) : active.length === 1 ? active[0] : undefined
  if (only) return only.replicas === wanted ? undefined : scale(only, wanted, deployment)
  if (newSet && isSaturated(newSet, wanted)) return void stopOld(deployment, oldSets)
  if (deployment.spec?.strategy?.type !== 'Recreate') spread(deployment, active, wanted)
}

const isSaturated = (set: SetDraft, wanted: number): boolean =>
  set.replicas === wanted && Number(set.annotations[annotation.desired]) === wanted && (set.set.status?.availableReplicas ?? 0) === wanted

function spread(deployment: Deployment, active: readonly SetDraft[], wanted: number): void {
  const add = (wanted > 0 ? wanted + limits(deployment).surge : 0) - total(active)
  const sorted = [...active].sort((a, b) => b.replicas - a.replicas || (add > 0 ? older(b.set, a.set) : older(a.set, b.set)))
  let added = 0
  const sizes = sorted.map((set) => {
    const share = add === 0 ? 0 : proportion(deployment, set, add - added)
    added += share
    return set.replicas + share
  })
  sorted.forEach((set, i) => scale(set, i === 0 ? Math.max(0, sizes[i]! + add - added) : sizes[i]!, deployment))
}

function proportion(deployment: Deployment, set: SetDraft, allowed: number): number {
  if (set.replicas === 0 || allowed === 0) return 0
  const share = fraction(deployment, set)
  return allowed > 0 ? Math.min(share, allowed) : Math.max(share, allowed)
}

function fraction(deployment: Deployment, set: SetDraft): number {
  const wanted = wantedReplicas(deployment)
  if (wanted === 0) return -set.replicas
  const before = Number(set.annotations[annotation.most]) || (deployment.status?.replicas ?? 0)
  return before === 0 ? 0 : Math.round((set.replicas * (wanted + limits(deployment).surge)) / before) - set.replicas
}
