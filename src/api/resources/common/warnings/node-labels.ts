// Labels of nodes that have successors (source: pkg/api/node/util.go).
import type { LabelSelector, NodeSelectorTerm } from '../../../generated/types.ts'
import { isLabelValue } from '../../../names.ts'
import type { Warnings } from './warnings.ts'

const deprecated = new Map([
  ['beta.kubernetes.io/arch', 'deprecated since v1.14; use "kubernetes.io/arch" instead'],
  ['beta.kubernetes.io/os', 'deprecated since v1.14; use "kubernetes.io/os" instead'],
  ['failure-domain.beta.kubernetes.io/region', 'deprecated since v1.17; use "topology.kubernetes.io/region" instead'],
  ['failure-domain.beta.kubernetes.io/zone', 'deprecated since v1.17; use "topology.kubernetes.io/zone" instead'],
  ['beta.kubernetes.io/instance-type', 'deprecated since v1.17; use "node.kubernetes.io/instance-type" instead'],
  ['app.kubernetes.io/created-by', 'deprecated since v1.9'],
  ['scheduler.alpha.kubernetes.io/preferAvoidPods', 'deprecated since v1.22; use Taints and Tolerations instead'],
  ['node-role.kubernetes.io/master', 'use "node-role.kubernetes.io/control-plane" instead'],
])

/** `field` may depend on the label. */
export function* deprecatedLabel(field: string, label: string): Warnings {
  const text = deprecated.get(label)
  if (text) yield `${field}: ${text}`
}

/** The same, with the label in the sentence. */
export function* deprecatedKey(field: string, label: string): Warnings {
  const text = deprecated.get(label)
  if (text) yield `${field}: ${label} is ${text}`
}

export function* nodeSelectorTermWarnings(field: string, term: NodeSelectorTerm | undefined, checkValues: boolean): Warnings {
  for (const [index, { key, values }] of (term?.matchExpressions ?? []).entries()) {
    const at = `${field}.matchExpressions[${index}]`
    yield* deprecatedKey(`${at}.key`, key)
    if (!checkValues) continue
    for (const [valueIndex, value] of (values ?? []).entries()) {
      for (const text of isLabelValue(value)) yield `${at}.values[${valueIndex}]: ${value} is invalid, ${text}`
    }
  }
}

export function* nodeTopologyWarnings(field: string, selector: LabelSelector | undefined): Warnings {
  for (const [index, { key }] of (selector?.matchExpressions ?? []).entries()) yield* deprecatedKey(`${field}.matchExpressions[${index}].key`, key)
  for (const label of Object.keys(selector?.matchLabels ?? {})) yield* deprecatedLabel(`${field}.matchLabels.${label}`, label)
}
