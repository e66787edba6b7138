// Filters on what the node has left: resources, pod slots, host ports.
import { hostPortsConflict } from '../../api/host-ports.ts'
import { reject, type Filter, type Rejection } from '../framework.ts'
import type { PodFacts } from '../pod-facts.ts'
import type { NodeState } from '../world.ts'

export const nodePorts: Filter = {
  name: 'NodePorts',
  prepare(pod) {
    if (pod.hostPorts.length === 0) return undefined
    return (node) => (node.pods.some((other) => hostPortsConflict(other.hostPorts, pod.hostPorts)) ? reject("node(s) didn't have free ports for the requested pod ports") : undefined)
  },
}

export const nodeResourcesFit: Filter = { name: 'NodeResourcesFit', prepare: (pod) => (node) => lacking(pod, node) }

function lacking({ requests }: PodFacts, { pods, allocatable, requested }: NodeState): Rejection | undefined {
  const reasons: string[] = []
  let final = false
  if (pods.length + 1 > (allocatable.pods ?? 0)) reasons.push('Too many pods')
  for (const [name, amount] of Object.entries(requests)) {
    if (amount === 0 || amount <= (allocatable[name] ?? 0) - (requested[name] ?? 0)) continue
    reasons.push(`Insufficient ${name}`)
    final ||= amount > (allocatable[name] ?? 0)
  }
  return reasons.length > 0 ? { reasons, final } : undefined
}
