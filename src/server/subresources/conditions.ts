import type { Condition } from '../../api/object.ts'

/** `condition` in the list, with a new time of transition if its status changed (source: `UpdatePodCondition`). */
export function withCondition<T extends Condition>(conditions: readonly T[] | undefined, condition: T, now: string): T[] {
  const before = conditions?.find((c) => c.type === condition.type)
  const settled = { ...condition, lastTransitionTime: before && before.status === condition.status ? before.lastTransitionTime : now }
  return before ? conditions!.map((c) => (c === before ? settled : c)) : [...(conditions ?? []), settled]
}
