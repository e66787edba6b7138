// The order in which the kernel kills when memory is short: by quality of service, then by how much more than asked for is used.
import type { Container } from '../../api/generated/types.ts'
import { amount } from '../../api/pod-amounts.ts'
import { qosClassOf, type QosClass } from '../../api/qos.ts'
import { isSidecar, type AgentPod } from '../pod/types.ts'

const systemCritical = 2_000_000_000

export const qosOf = (pod: AgentPod): QosClass => (pod.status.qosClass as QosClass | undefined) ?? qosClassOf(pod.spec)

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
