// Required affinity and anti-affinity between pods, in both directions.
import { reject, type Filter } from '../framework.ts'
import type { AffinityTerm, PodFacts } from '../pod-facts.ts'
import { termMatches, type NodeState, type World } from '../world.ts'

export const interPodAffinity: Filter = {
  name: 'InterPodAffinity',
  prepare(pod, world) {
    const forbidden = forbiddenDomains(pod, world)
    const avoided = pod.requiredAntiAffinity.map((term) => ({ term, domains: domainsWith(world, term, (other) => termMatches(term, other, world)) }))
    // a pod has affinity to those that match all its terms
    const isCompanion = (other: PodFacts) => pod.requiredAffinity.every((term) => termMatches(term, other, world))
    const sought = pod.requiredAffinity.map((term) => ({ term, domains: domainsWith(world, term, isCompanion) }))
    if (forbidden.size + avoided.length + sought.length === 0) return undefined
    // the first of a group that wants to be together has nobody to join yet
    const isFirst = sought.every(({ domains }) => domains.size === 0) && isCompanion(pod)
    return (node) => {
      if (!sought.every(({ term, domains }) => hasDomain(node, term) && (isFirst || domains.has(domainOf(node, term))))) return reject("node(s) didn't match pod affinity rules", true)
      if (avoided.some(({ term, domains }) => hasDomain(node, term) && domains.has(domainOf(node, term)))) return reject("node(s) didn't match pod anti-affinity rules")
      if (Object.entries(node.labels).some(([key, value]) => forbidden.has(`${key}=${value}`))) return reject("node(s) didn't satisfy existing pods anti-affinity rules")
      return undefined
    }
  },
}

const hasDomain = (node: NodeState, term: AffinityTerm) => Object.hasOwn(node.labels, term.topologyKey)
const domainOf = (node: NodeState, term: AffinityTerm) => node.labels[term.topologyKey]!

function domainsWith(world: World, term: AffinityTerm, isWanted: (pod: PodFacts) => boolean): Set<string> {
  const domains = new Set<string>()
  for (const node of world.nodes.values()) {
    if (hasDomain(node, term) && !domains.has(domainOf(node, term)) && node.pods.some(isWanted)) domains.add(domainOf(node, term))
  }
  return domains
}

/** `key=value` of the domains from which pods that run there keep this one away. */
function forbiddenDomains(pod: PodFacts, world: World): Set<string> {
  const forbidden = new Set<string>()
  for (const node of world.nodes.values()) {
    for (const other of node.pods) {
      for (const term of other.requiredAntiAffinity) {
        if (hasDomain(node, term) && termMatches(term, pod, world)) forbidden.add(`${term.topologyKey}=${domainOf(node, term)}`)
      }
    }
  }
  return forbidden
}
