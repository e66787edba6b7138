// Topology spread constraints that must hold.
import { reject, type Filter } from '../framework.ts'
import { countSpread } from '../topology-spread.ts'

const mismatch = "node(s) didn't match pod topology spread constraints"

export const podTopologySpread: Filter = {
  name: 'PodTopologySpread',
  prepare(pod, world) {
    const spreads = countSpread(pod, world, 'DoNotSchedule')
    if (spreads.length === 0) return undefined
    return (node) => {
      for (const { constraint, counts, countsItself } of spreads) {
        const domain = node.labels[constraint.topologyKey]
        if (domain === undefined) return reject(`${mismatch} (missing required label)`, true)
        const tooFewDomains = counts.size < (constraint.minDomains ?? 1)
        const least = tooFewDomains ? 0 : Math.min(...counts.values())
        if ((counts.get(domain) ?? 0) + (countsItself ? 1 : 0) - least > constraint.maxSkew) return reject(mismatch)
      }
      return undefined
    }
  },
}
