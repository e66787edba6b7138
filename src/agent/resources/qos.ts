// The quality-of-service class of a pod, and the order in which the kernel kills when memory is short.
import type { Container } from '../../api/generated/types.ts'
import { isSidecar, type AgentPod } from '../pod/types.ts'
import { amount, amountsOf } from '../../api/pod-amounts.ts'

export type QosClass = 'Guaranteed' | 'Burstable' | 'BestEffort'

const computed = ['cpu', 'memory'] as const
const systemCritical = 2_000_000_000

export function qosClassOf(pod: AgentPod): QosClass {
  const sources = pod.spec.resources ? [pod.spec.resources] : [...pod.spec.containers, ...(pod.spec.initContainers ?? [])].map((c) => c.resources)
  const requests: Record<string, number> = {}
  const limits: Record<string, number> = {}
  let guaranteed = true
  for (const resources of sources) {
    const own = amountsOf(resources?.limits)
    if (!computed.every((name) => (own[name] ?? 0) > 0)) guaranteed = false
    for (const name of computed) {
      requests[name] = (requests[name] ?? 0) + amount(name, resources?.requests?.[name])
      limits[name] = (limits[name] ?? 0) + (own[name] ?? 0)
    }
  }
  if (computed.every((name) => !requests[name] && !limits[name])) return 'BestEffort'
  const equal = computed.every((name) => !requests[name] || requests[name] === limits[name])
  return guaranteed && equal ? 'Guaranteed' : 'Burstable'
}

export const qosOf = (pod: AgentPod): QosClass => (pod.status.qosClass as QosClass | undefined) ?? qosClassOf(pod)

/** From -997 (killed last) to 1000 (first). */
export function oomScoreAdjust(pod: AgentPod, container: Container, memoryCapacityBytes: number): number {
  if ((pod.spec.priority ?? 0) >= systemCritical) return -997
  const qos = qosOf(pod)
  if (qos === 'Guaranteed') return -997
  if (qos === 'BestEffort') return 1000
  const request = (c: Container) => amount('memory', c.resources?.requests?.['memory'])
  const score = (bytes: number) => 1000 - Math.floor((1000 * bytes) / memoryCapacityBytes)
  const own = score(request(container))
  const adjusted = isSidecar(container) ? Math.min(own, score(Math.min(...pod.spec.containers.map(request)))) : own
  return Math.min(999, Math.max(3, adjusted))
}
