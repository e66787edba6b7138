// The last word on whether a pod fits this node: the scheduler may not have known better, or not have been asked.
import type { Node } from '../../api/generated/types.ts'
import { nodeAffinityMatcher } from '../../api/node-selector.ts'
import { hostPortsConflict, hostPortsOf } from '../../api/host-ports.ts'
import { untolerated } from '../../api/tolerations.ts'
import { amountsOf, podAmounts } from '../../api/pod-amounts.ts'
import type { Reason } from '../status/container-statuses.ts'
import type { PressureCondition } from '../eviction/thresholds.ts'
import { qosOf } from '../resources/qos.ts'
import { refuseSysctls } from './sysctls.ts'
import { isCritical, type AgentPod } from './types.ts'

export interface Admission {
  /** Undefined while the node is not registered: nothing is refused then. */
  node: Node | undefined
  /** What the node is short of. */
  pressure: readonly PressureCondition[]
}

/** Why the pod is refused; undefined when it may run. */
export function admit(pod: AgentPod, others: readonly AgentPod[], { node, pressure }: Admission): Reason | undefined {
  if (!node) return undefined
  return refuseUnderPressure(pod, pressure) ?? refuseOs(pod) ?? refuseSysctls(pod) ?? refuseResources(pod, others, node) ?? refuseAffinity(pod, node) ?? refusePorts(pod, others) ?? refuseTaints(pod, node)
}

/** Under memory pressure alone only pods without any request are refused, unless they tolerate the taint (source: pkg/kubelet/eviction `Admit`). */
function refuseUnderPressure(pod: AgentPod, pressure: readonly PressureCondition[]): Reason | undefined {
  if (pressure.length === 0 || isCritical(pod)) return undefined
  if (pressure.every((condition) => condition === 'MemoryPressure')) {
    const taint = { key: 'node.kubernetes.io/memory-pressure', effect: 'NoSchedule' }
    if (qosOf(pod) !== 'BestEffort' || !untolerated(pod.spec.tolerations ?? [], [taint], ['NoSchedule'])) return undefined
  }
  return { reason: 'Evicted', message: `The node had condition: [${pressure.join(' ')}]. ` }
}

const predicate = (name: string, why: string): Reason => ({ reason: name, message: `Predicate ${name} failed: ${why}` })

function refuseOs({ spec }: AgentPod): Reason | undefined {
  if (spec.os && spec.os.name !== 'linux') return { reason: 'PodOSNotSupported', message: "Failed to admit pod as the OS field doesn't match node OS" }
  return undefined
}

function refuseResources(pod: AgentPod, others: readonly AgentPod[], { status }: Node): Reason | undefined {
  const capacity = amountsOf(status?.allocatable)
  const out = (name: string, requested: number, used: number): Reason => ({
    reason: `OutOf${name}`, message: `Node didn't have enough resource: ${name}, requested: ${requested}, used: ${used}, capacity: ${capacity[name]}`,
  })
  if (capacity['pods'] !== undefined && others.length + 1 > capacity['pods']) return out('pods', 1, others.length)
  const requests = podAmounts(pod, 'requests')
  for (const [name, requested] of Object.entries(requests)) {
    if (requested === 0 || capacity[name] === undefined) continue
    const used = others.reduce((sum, other) => sum + (podAmounts(other, 'requests')[name] ?? 0), 0)
    if (used + requested > capacity[name]) return out(name, requested, used)
  }
  return undefined
}

function refuseAffinity({ spec }: AgentPod, { metadata }: Node): Reason | undefined {
  if (nodeAffinityMatcher(spec)?.({ name: metadata?.name ?? '', labels: metadata?.labels ?? {} }) !== false) return undefined
  return predicate('NodeAffinity', "node(s) didn't match Pod's node affinity/selector")
}

function refusePorts(pod: AgentPod, others: readonly AgentPod[]): Reason | undefined {
  const wanted = hostPortsOf(pod.spec)
  const taken = others.some(({ spec }) => hostPortsConflict(hostPortsOf(spec), wanted))
  return taken ? predicate('NodePorts', "node(s) didn't have free ports for the requested pod ports") : undefined
}

function refuseTaints({ spec }: AgentPod, { spec: nodeSpec }: Node): Reason | undefined {
  return untolerated(spec.tolerations ?? [], nodeSpec?.taints ?? [], ['NoExecute']) ? predicate('TaintToleration', "node(s) had taints that the pod didn't tolerate") : undefined
}
