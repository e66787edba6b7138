// Whether a node is one a pod may be on, by name, selector, required affinity and taints.
import type { Node, PodSpec, Taint, Toleration } from '../../api/generated/types.ts'
import { nodeTermMatcher } from '../../api/node-selector.ts'
import type { Stored } from '../../api/object.ts'

export function matchesNodeAffinity(spec: PodSpec, node: Stored<Node>): boolean {
  const labels = node.metadata.labels ?? {}
  if (!Object.entries(spec.nodeSelector ?? {}).every(([key, value]) => labels[key] === value)) return false
  const required = spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution
  return !required || required.nodeSelectorTerms.some((term) => nodeTermMatcher(term)({ name: node.metadata.name, labels }))
}

function tolerates({ key, operator = 'Equal', value = '', effect }: Toleration, taint: Taint): boolean {
  if (effect && effect !== taint.effect) return false
  if (key && key !== taint.key) return false
  return operator === 'Exists' || (Boolean(key) && operator === 'Equal' && value === (taint.value ?? ''))
}

export const hasUntolerated = (taints: readonly Taint[], tolerations: readonly Toleration[], effects: readonly string[]): boolean =>
  taints.some((taint) => effects.includes(taint.effect) && !tolerations.some((toleration) => tolerates(toleration, taint)))
