// Node selector terms, of pods and of volumes.
import type { NodeSelectorRequirement, NodeSelectorTerm, PodSpec } from './generated/types.ts'

interface SelectableNode {
  name: string
  labels: Readonly<Record<string, string>>
}

/** A term without expressions and fields matches no node. */
export function nodeTermMatcher(term: NodeSelectorTerm): (node: SelectableNode) => boolean {
  const expressions = term.matchExpressions ?? []
  const fields = term.matchFields ?? []
  if (expressions.length + fields.length === 0) return () => false
  return (node) =>
    expressions.every((r) => meets(r, Object.hasOwn(node.labels, r.key) ? node.labels[r.key] : undefined)) &&
    fields.every((r) => meets(r, r.key === 'metadata.name' ? node.name : undefined))
}

/** What `nodeSelector` and the required node affinity of a pod say of a node; undefined when any will do. */
export function nodeAffinityMatcher(spec: PodSpec): ((node: SelectableNode) => boolean) | undefined {
  const wanted = Object.entries(spec.nodeSelector ?? {})
  const terms = spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms.map(nodeTermMatcher)
  if (wanted.length === 0 && !terms) return undefined
  return (node) => wanted.every(([key, value]) => node.labels[key] === value) && (!terms || terms.some((matches) => matches(node)))
}

function meets({ operator, values = [] }: NodeSelectorRequirement, value: string | undefined): boolean {
  switch (operator) {
    case 'In':
      return value !== undefined && values.includes(value)
    case 'NotIn':
      return value === undefined || !values.includes(value)
    case 'Exists':
      return value !== undefined
    case 'DoesNotExist':
      return value === undefined
    case 'Gt':
      return isInteger(value) && isInteger(values[0]) && BigInt(value) > BigInt(values[0])
    case 'Lt':
      return isInteger(value) && isInteger(values[0]) && BigInt(value) < BigInt(values[0])
    default:
      return false
  }
}

const isInteger = (text: string | undefined): text is string => text !== undefined && /^-?\d+$/.test(text)
