// The strategic merge patch that turns one pod status into another. Lists with merge keys are written so that entries of others stay.
import type { PodStatus } from '../../api/generated/types.ts'
import { same } from '../values.ts'
import { isOwned } from './conditions.ts'

const mergedByIp = new Set(['podIPs', 'hostIPs'])

/** Undefined when nothing differs. */
export function statusPatch(uid: string, from: PodStatus, to: PodStatus): { metadata: { uid: string }; status: Record<string, unknown> } | undefined {
  const status: Record<string, unknown> = {}
  for (const key of new Set([...Object.keys(from), ...Object.keys(to)]) as Set<keyof PodStatus>) {
    if (key === 'conditions' || same(from[key], to[key])) continue
    const before = from[key]
    const replaced = mergedByIp.has(key) && Array.isArray(before) && before.length > 0 && Array.isArray(to[key])
    status[key] = replaced ? [{ $patch: 'replace' }, ...(to[key] as unknown[])] : (to[key] ?? null)
  }
  const conditions = (to.conditions ?? []).filter((c) => isOwned(c) && !same(c, from.conditions?.find((f) => f.type === c.type)))
  const dropped = conditions.map((c) => ({ ...cleared(from.conditions?.find((f) => f.type === c.type), c), ...c }))
  const removed = (from.conditions ?? []).filter((c) => isOwned(c) && !to.conditions?.some((t) => t.type === c.type)).map(({ type }) => ({ $patch: 'delete', type }))
  if (dropped.length + removed.length > 0) status['conditions'] = [...dropped, ...removed]
  return Object.keys(status).length === 0 ? undefined : { metadata: { uid }, status }
}

/** Null for each field that was there and is not any more. */
function cleared(before: object | undefined, now: object): Record<string, null> {
  const gone = Object.keys(before ?? {}).filter((key) => key !== 'lastProbeTime' && !(key in now))
  return Object.fromEntries(gone.map((key) => [key, null]))
}
