// What the node is preferred for: its taints, its labels.
import { nodeTermMatcher } from '../../api/node-selector.ts'
import { isTolerated } from '../../api/tolerations.ts'
import { toGreatest, type Score } from '../framework.ts'

export const taintPreference: Score = {
  name: 'TaintToleration', weight: 3, normalize: (values) => toGreatest(values, { reverse: true }),
  prepare: (pod) => (node) => node.taints.filter((taint) => taint.effect === 'PreferNoSchedule' && !isTolerated(taint, pod.tolerations)).length,
}

export const nodeAffinityPreference: Score = {
  name: 'NodeAffinity', weight: 2, normalize: (values) => toGreatest(values, { reverse: false }),
  prepare({ spec }) {
    const preferred = (spec.affinity?.nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []).map((p) => ({ weight: p.weight, matches: nodeTermMatcher(p.preference) }))
    return preferred.length === 0 ? undefined : (node) => preferred.reduce((sum, p) => sum + (p.matches(node) ? p.weight : 0), 0)
  },
}
