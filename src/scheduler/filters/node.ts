// Filters on the node itself: cordoned, named, tainted, selected.
import { nodeAffinityMatcher } from '../../api/node-selector.ts'
import { isTolerated, untolerated } from '../../api/tolerations.ts'
import { reject, type Filter } from '../framework.ts'

export const nodeUnschedulable: Filter = {
  name: 'NodeUnschedulable',
  prepare(pod) {
    const accepted = isTolerated({ key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' }, pod.tolerations)
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
    const matches = nodeAffinityMatcher(spec)
    return matches && ((node) => (matches(node) ? undefined : reject("node(s) didn't match Pod's node affinity/selector", true)))
  },
}
