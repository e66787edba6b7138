// Which pod goes first (source: "Node-pressure Eviction"): those above their requests, then the lower priority, then those furthest above. Pure.
import { podAmounts } from '../../api/pod-amounts.ts'
import type { AgentPod } from '../pod/types.ts'
import { diskOf, memoryOf, type DiskParts, type PodUsage } from './usage.ts'
import { signals, type Signal } from './thresholds.ts'

export interface Candidate {
  pod: AgentPod
  /** Undefined when it could not be measured: such a pod goes before all others. */
  usage: PodUsage | undefined
}

/** `separateImages`: images and writable layers have a disk of their own. */
export function rankForEviction(candidates: readonly Candidate[], signal: Signal, { separateImages }: { separateImages: boolean }): Candidate[] {
  const { resource } = signals[signal]
  if (resource === 'pids') return [...candidates].sort((a, b) => byPriority(a, b) || (b.usage?.processes ?? 0) - (a.usage?.processes ?? 0))
  const used = usedBy(signal, separateImages)
  const requested = (pod: AgentPod) => podAmounts(pod, 'requests')[resource] ?? 0
  const excess = ({ pod, usage }: Candidate) => used(usage!) - requested(pod)
  return [...candidates].sort((a, b) => {
    if (!a.usage || !b.usage) return Number(!b.usage) - Number(!a.usage)
    return Number(used(b.usage) > requested(b.pod)) - Number(used(a.usage) > requested(a.pod)) || byPriority(a, b) || excess(b) - excess(a)
  })
}

const byPriority = (a: Candidate, b: Candidate) => (a.pod.spec.priority ?? 0) - (b.pod.spec.priority ?? 0)

function usedBy(signal: Signal, separateImages: boolean): (usage: PodUsage) => number {
  if (signal === 'memory.available') return memoryOf
  const ofImages = signal.startsWith('imagefs')
  const parts: DiskParts = separateImages ? { root: ofImages, local: !ofImages } : { root: true, local: true }
  return (usage) => diskOf(usage, parts)[signals[signal].resource === 'inodes' ? 'inodes' : 'bytes']
}
