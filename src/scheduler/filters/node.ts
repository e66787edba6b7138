// Filters on the node itself: cordoned, named, tainted, selected.
import type { NodeSelectorTerm } from '../../api/generated/types.ts'
import { reject, type Filter } from '../framework.ts'
import { nodeTermMatcher } from '../../api/node-selector.ts'
import { tolerates, untolerated } from '../world.ts'

export const nodeUnschedulable: Filter = {
  name: 'NodeUnschedulable',
  prepare(pod) {
    const accepted = tolerates(pod.tolerations, { key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' })
    return accepted ? undefined : (node) => (node.node.spec?.unschedulable ? reject('node(s) were unschedulable', true) : undefined)
  },
}

export const nodeName: Filter = {
  name: 'NodeName',
  prepare: ({ spec }) => (spec.nodeName ? (node) => (node.name === spec.nodeName ? undefined : reject("node(s) didn't match the requested node name", true)) : undefined),
}

export const taintToleration: Filter = {
  name: 'TaintToleration',
  prepare: (pod) => (node) => (untolerated(pod.tolerations, node.taints, ['NoSchedule', 'NoExecute']) ? reject('node(s) had untolerated taint(s)', true) : undefined),
}

export const nodeAffinity: Filter = {
  name: 'NodeAffinity',
  prepare({ spec }) {
    const wanted = Object.entries(spec.nodeSelector ?? {})
    const terms: readonly NodeSelectorTerm[] | undefined = spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms
    if (wanted.length === 0 && !terms) return undefined
    const matchers = terms?.map(nodeTermMatcher)
    return (node) => {
      const selected = wanted.every(([key, value]) => node.labels[key] === value)
      const matched = !matchers || matchers.some((matches) => matches(node))
      return selected && matched ? undefined : reject("node(s) didn't match Pod's node affinity/selector", true)
    }
  },
}
