// What controllers ask of a pod.
import type { Pod, PodCondition, PodTemplateSpec } from '../../api/generated/types.ts'
import type { KubeObject } from '../../api/object.ts'
import { isFinished } from '../../api/pod-phase.ts'
import type { Since } from '../../base/clock.ts'

export const podCondition = (pod: Pod, type: string): PodCondition | undefined => pod.status?.conditions?.find((condition) => condition.type === type)

export const isReady = (pod: Pod): boolean => podCondition(pod, 'Ready')?.status === 'True'

/** Neither finished nor on its way out. */
export const isActive = (pod: Pod): boolean => !isFinished(pod) && pod.metadata?.deletionTimestamp === undefined

export const isTerminating = (pod: Pod): boolean => !isFinished(pod) && pod.metadata?.deletionTimestamp !== undefined

export const millisecondsOf = (time: string | undefined): number => (time ? Date.parse(time) : 0)

/** Milliseconds until the pod counts as available: 0 when it does, undefined when it is not even ready. */
export function availableIn(pod: Pod, minReadySeconds: number | undefined, since: Since): number | undefined {
  const ready = podCondition(pod, 'Ready')
  if (ready?.status !== 'True') return undefined
  if (!minReadySeconds) return 0
  if (!ready.lastTransitionTime) return undefined
  return Math.max(0, minReadySeconds * 1000 - since(millisecondsOf(ready.lastTransitionTime)))
}

export const isAvailable = (pod: Pod, minReadySeconds: number | undefined, since: Since): boolean => availableIn(pod, minReadySeconds, since) === 0

/** The earliest time at which one more of `pods` becomes available, in milliseconds from now. */
export function nextAvailability(pods: readonly Pod[], minReadySeconds: number | undefined, since: Since): number | undefined {
  const waits = pods.map((pod) => availableIn(pod, minReadySeconds, since)).filter((wait) => wait !== undefined && wait > 0)
  return waits.length ? Math.min(...(waits as number[])) : undefined
}

/** A pod of a template: its name is generated from the owner's. */
export function podFromTemplate(template: PodTemplateSpec, owner: KubeObject): Pod {
  const { labels, annotations, finalizers } = template.metadata ?? {}
  return {
    metadata: {
      namespace: owner.metadata?.namespace, generateName: `${owner.metadata?.name}-`, labels: { ...labels }, annotations: { ...annotations },
      ...(finalizers ? { finalizers: [...finalizers] } : {}),
    },
    spec: structuredClone(template.spec!),
  }
}

/** The earliest of several times; undefined stands for never. */
export function earliest(...times: readonly (number | undefined)[]): number | undefined {
  const set = times.filter((time) => time !== undefined)
  return set.length ? Math.min(...set) : undefined
}
