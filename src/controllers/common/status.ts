// Status updates: written only when they say something new.
import { isDeepStrictEqual } from 'node:util'
import type { Condition, KubeObject, Stored } from '../../api/object.ts'
import type { ResourceRef } from '../../api/resource.ts'
import type { ExecutionContext } from '../../controller/definition.ts'

export interface StatusStep {
  do: 'updateStatus'
  ref: ResourceRef
  object: Stored
  status: object
}

/** No step when `status` is what the object has already. Fields that are undefined do not count. */
export function statusSteps<T extends KubeObject & { status?: object }>(ref: ResourceRef<T>, object: Stored<T>, status: NonNullable<T['status']>): StatusStep[] {
  const wanted = pruned(status)
  return isDeepStrictEqual(pruned(object.status ?? {}), wanted) ? [] : [{ do: 'updateStatus', ref: ref as ResourceRef, object, status: wanted }]
}

export const pruned = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T

export const statusExecutor = {
  async updateStatus({ ref, object, status }: StatusStep, { client }: ExecutionContext): Promise<void> {
    await client.resource(ref, object.metadata.namespace).updateStatus({ ...object, status } as KubeObject)
  },
}

/** The conditions with `condition` in place of the one of its type; a transition time changes only with the status. */
export function withCondition<C extends Condition>(conditions: readonly C[] | undefined, condition: C): C[] {
  const others = (conditions ?? []).filter((c) => c.type !== condition.type)
  const before = conditions?.find((c) => c.type === condition.type)
  if (before && before.status === condition.status && before.reason === condition.reason) return [...(conditions ?? [])]
  const lastTransitionTime = before?.status === condition.status ? before.lastTransitionTime : condition.lastTransitionTime
  return [...others, { ...condition, lastTransitionTime }]
}

export const withoutCondition = <C extends Condition>(conditions: readonly C[] | undefined, type: string): C[] => (conditions ?? []).filter((c) => c.type !== type)
