// Which pods the node's pods and the pod itself like beside them.
import { toRange, type Score } from '../framework.ts'
import type { AffinityTerm, PodFacts } from '../pod-facts.ts'
import { termMatches, type NodeState, type World } from '../world.ts'

/** Preferences of the pod for others, of others for the pod, and the pull that required affinity of others exerts. */
export const interPodPreference: Score = {
  name: 'InterPodAffinity', weight: 2, normalize: toRange,
  prepare(pod, world) {
    const weights = new Map<string, number>()
    const add = (node: NodeState, term: AffinityTerm, weight: number) => {
      const value = node.labels[term.topologyKey]
      if (value !== undefined) weights.set(`${term.topologyKey}=${value}`, (weights.get(`${term.topologyKey}=${value}`) ?? 0) + weight)
    }
    for (const node of world.nodes.values()) for (const other of node.pods) weigh(pod, other, world, (term, weight) => add(node, term, weight))
    if (weights.size === 0) return undefined
    return (node) => Object.entries(node.labels).reduce((sum, [key, value]) => sum + (weights.get(`${key}=${value}`) ?? 0), 0)
  },
}

function weigh(pod: PodFacts, other: PodFacts, world: World, add: (term: AffinityTerm, weight: number) => void): void {
  for (const { term, weight } of pod.preferredAffinity) if (termMatches(term, other, world)) add(term, weight)
  for (const { term, weight } of pod.preferredAntiAffinity) if (termMatches(term, other, world)) add(term, -weight)
  for (const term of other.requiredAffinity) if (termMatches(term, pod, world)) add(term, 1)
  for (const { term, weight } of other.preferredAffinity) if (termMatches(term, pod, world)) add(term, weight)
  for (const { term, weight } of other.preferredAntiAffinity) if (termMatches(term, pod, world)) add(term, -weight)
}
