// What a pod is told when it goes (source: k8s.io/kubernetes pkg/kubelet/eviction `evictionMessage`). Pure.
import { parseQuantity } from '../../api/quantity.ts'
import { memoryOf, type PodUsage } from './usage.ts'
import { availableQuantity, bytesQuantity, signals, thresholdQuantity, type Observations, type Starved, type Threshold } from './thresholds.ts'
import type { AgentPod } from '../pod/types.ts'

interface EvictionMessage {
  message: string
  /** Of the event. */
  annotations: Record<string, string>
}

export function evictionMessage(pod: AgentPod, usage: PodUsage | undefined, starved: Starved, met: readonly Threshold[], observations: Observations): EvictionMessage {
  const parts = [`The node was low on resource: ${starved}. `]
  const threshold = met.find(({ signal }) => signals[signal].resource === starved && observations.has(signal))
  if (threshold) {
    const observed = observations.get(threshold.signal)!
    parts.push(`Threshold quantity: ${thresholdQuantity(threshold.value, observed.capacity)}, available: ${availableQuantity(threshold.signal, observed)}. `)
  }
  if (!usage) return { message: parts.join(''), annotations: {} }
  const annotations: Record<string, string> = {}
  const whole = starved === 'memory' ? pod.spec.resources?.requests?.['memory'] : undefined
  if (whole !== undefined) {
    const used = bytesQuantity(memoryOf(usage)).toString()
    parts.push(`Pod ${pod.metadata.name} was using ${used}, request is ${parseQuantity(whole)}, has larger consumption of ${starved}. `)
    Object.assign(annotations, { offending_pod: pod.metadata.name, offending_pod_usage: used })
  }
  const offenders: { name: string; used: string }[] = []
  const containers = [...pod.spec.containers, ...(pod.spec.initContainers ?? [])]
  for (const measured of usage.containers) {
    const container = containers.find(({ name }) => name === measured.name)
    const bytes = starved === 'memory' ? measured.memoryBytes : starved === 'ephemeral-storage' ? measured.root.bytes + measured.logs.bytes : undefined
    if (!container || bytes === undefined) continue
    const used = bytesQuantity(bytes)
    const request = parseQuantity(container.resources?.requests?.[starved] ?? '0')
    if (used.compare(request) <= 0) continue
    parts.push(`Container ${container.name} was using ${used}, request is ${request}, has larger consumption of ${starved}. `)
    offenders.push({ name: container.name, used: used.toString() })
  }
  return {
    message: parts.join(''),
    annotations: { ...annotations, offending_containers: offenders.map(({ name }) => name).join(','), offending_containers_usage: offenders.map(({ used }) => used).join(','), starved_resource: starved },
  }
}
