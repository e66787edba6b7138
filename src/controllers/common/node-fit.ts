// Whether a node is one a pod may be on, by name, selector, required affinity and taints.
import type { Node, NodeSelectorRequirement, NodeSelectorTerm, PodSpec, Taint, Toleration } from '../../api/generated/types.ts'
import type { Stored } from '../../api/object.ts'

export function matchesNodeAffinity(spec: PodSpec, node: Stored<Node>): boolean {
  const labels = node.metadata.labels ?? {}
  if (!Object.entries(spec.nodeSelector ?? {}).every(([key, value]) => labels[key] === value)) return false
  const required = spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution
  return !required || required.nodeSelectorTerms.some((term) => matchesTerm(term, node))
}

function matchesTerm({ matchExpressions = [], matchFields = [] }: NodeSelectorTerm, { metadata }: Stored<Node>): boolean {
  if (!matchExpressions.length && !matchFields.length) return false
  const fields: Record<string, string> = { 'metadata.name': metadata.name }
  return matchExpressions.every((requirement) => meets(requirement, metadata.labels?.[requirement.key])) && matchFields.every((requirement) => meets(requirement, fields[requirement.key]))
}

function meets({ operator, values = [] }: NodeSelectorRequirement, value: string | undefined): boolean {
  if (operator === 'Exists') return value !== undefined
  if (operator === 'DoesNotExist') return value === undefined
  if (operator === 'NotIn') return value === undefined || !values.includes(value)
  if (value === undefined) return false
  if (operator === 'In') return values.includes(value)
  const [left, right] = [Number.parseInt(value, 10), Number.parseInt(values[0] ?? '', 10)]
  return operator === 'Gt' ? left > right : operator === 'Lt' && left < right
}

export function tolerates({ key, operator = 'Equal', value = '', effect }: Toleration, taint: Taint): boolean {
  if (effect && effect !== taint.effect) return false
  if (key && key !== taint.key) return false
  return operator === 'Exists' || (Boolean(key) && operator === 'Equal' && value === (taint.value ?? ''))
}

export const hasUntolerated = (taints: readonly Taint[], tolerations: readonly Toleration[], effects: readonly string[]): boolean =>
  taints.some((taint) => effects.includes(taint.effect) && !tolerations.some((toleration) => tolerates(toleration, taint)))
