// Node selector terms, of pods and of volumes.
import type { NodeSelectorRequirement, NodeSelectorTerm } from './generated/types.ts'

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
