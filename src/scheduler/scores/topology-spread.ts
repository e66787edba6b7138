// Topology spread constraints that should hold.
import { toRange, type Score } from '../framework.ts'
import { countSpread } from '../topology-spread.ts'

export const topologySpreadPreference: Score = {
  name: 'PodTopologySpread', weight: 2, normalize: (values) => toRange(values.map((value) => -value)),
  prepare(pod, world) {
    const spreads = countSpread(pod, world, 'ScheduleAnyway')
    if (spreads.length === 0) return undefined
    return (node) => spreads.reduce((sum, { constraint, counts }) => sum + (counts.get(node.labels[constraint.topologyKey] ?? '') ?? Number.MAX_SAFE_INTEGER / 1e6), 0)
  },
}
