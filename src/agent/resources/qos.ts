// The order in which the kernel kills when memory is short: by quality of service, then by how much more than asked for is used.
import type { Container } from '../../api/generated/types.ts'
import { amount } from '../../api/pod-amounts.ts'
import { qosClassOf, type QosClass } from '../../api/qos.ts'
import { aggregateContainers } from '../../api/pod-resources.ts'
import { isCritical, isSidecar, type AgentPod } from '../pod/types.ts'

export const qosOf = (pod: AgentPod): QosClass => (pod.status.qosClass as QosClass | undefined) ?? qosClassOf(pod.spec)

/** From -997 (killed last) to 1000 (first) (source: k8s.io/kubernetes pkg/kubelet/qos). */
export function oomScoreAdjust(pod: AgentPod, container: Container, memoryCapacityBytes: number): number {
  if (isCritical(pod) && pod.spec.priorityClassName === 'system-node-critical') return -997
  const qos = qosOf(pod)
  if (qos === 'Guaranteed') return -997
  if (qos === 'BestEffort') return 1000
  const share = unassignedShare(pod)
  const request = (c: Container) => amount('memory', c.resources?.requests?.['memory']) + share
  const score = (bytes: number) => 1000 - Math.trunc((1000 * bytes) / memoryCapacityBytes)
  const own = score(request(container))
  const adjusted = isSidecar(container) ? Math.min(own, score(Math.min(...pod.spec.containers.map(request)))) : own
  return Math.min(999, Math.max(3, adjusted))
}

/** What the pod as a whole asks for beyond its containers is divided among them (KEP-2837). */
function unassignedShare({ spec }: AgentPod): number {
  const whole = amount('memory', spec.resources?.requests?.['memory'])
  if (whole === 0) return 0
  const assigned = aggregateContainers(spec, 'requests').get('memory')?.value() ?? 0
  return Math.trunc((whole - assigned) / (spec.containers.length + (spec.initContainers?.length ?? 0)))
}
