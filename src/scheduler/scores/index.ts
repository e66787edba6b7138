// How good a node is for a pod; weights are those of upstream's default profile.
import { asTheyAre, greatestScore, toGreatest, toRange, type Score } from '../framework.ts'
import { nodeTermMatcher } from '../../api/node-selector.ts'
import type { Amounts } from '../../api/pod-amounts.ts'
import { isTolerated } from '../../api/tolerations.ts'
import type { AffinityTerm, PodFacts } from '../pod-facts.ts'
import { countSpread } from '../topology-spread.ts'
import { termMatches, type NodeState, type World } from '../world.ts'

/** What a container without requests is taken to need, so that such pods spread too. */
const assumed: Amounts = { cpu: 100, memory: 200 * 1024 * 1024 }

const used = (pod: PodFacts, node: NodeState, resource: string) =>
  Math.min(1, ((node.requested[resource] ?? 0) + (pod.requests[resource] || assumed[resource] || 0)) / Math.max(1, node.allocatable[resource] ?? 0))

const leastAllocated: Score = {
  name: 'NodeResourcesFit', weight: 1, normalize: asTheyAre,
  prepare: (pod) => (node) => greatestScore * (1 - (used(pod, node, 'cpu') + used(pod, node, 'memory')) / 2),
}

const balancedAllocation: Score = {
  name: 'NodeResourcesBalancedAllocation', weight: 1, normalize: asTheyAre,
  prepare: (pod) => (node) => greatestScore * (1 - Math.abs(used(pod, node, 'cpu') - used(pod, node, 'memory')) / 2),
}

const taintPreference: Score = {
  name: 'TaintToleration', weight: 3, normalize: (values) => toGreatest(values, { reverse: true }),
  prepare: (pod) => (node) => node.taints.filter((taint) => taint.effect === 'PreferNoSchedule' && !isTolerated(taint, pod.tolerations)).length,
}

const nodeAffinityPreference: Score = {
  name: 'NodeAffinity', weight: 2, normalize: (values) => toGreatest(values, { reverse: false }),
  prepare({ spec }) {
    const preferred = (spec.affinity?.nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []).map((p) => ({ weight: p.weight, matches: nodeTermMatcher(p.preference) }))
    return preferred.length === 0 ? undefined : (node) => preferred.reduce((sum, p) => sum + (p.matches(node) ? p.weight : 0), 0)
  },
}

const topologySpread: Score = {
  name: 'PodTopologySpread', weight: 2, normalize: (values) => toRange(values.map((value) => -value)),
  prepare(pod, world) {
    const spreads = countSpread(pod, world, 'ScheduleAnyway')
    if (spreads.length === 0) return undefined
    return (node) => spreads.reduce((sum, { constraint, counts }) => sum + (counts.get(node.labels[constraint.topologyKey] ?? '') ?? Number.MAX_SAFE_INTEGER / 1e6), 0)
  },
}

/** Preferences of the pod for others, of others for the pod, and the pull that required affinity of others exerts. */
const interPodPreference: Score = {
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

const [smallImages, largeImages] = [23 * 1024 * 1024, 1000 * 1024 * 1024]

const imageLocality: Score = {
  name: 'ImageLocality', weight: 1, normalize: asTheyAre,
  prepare({ spec }, world) {
    if (world.nodes.size < 2) return undefined
    const wanted = new Set([...spec.containers, ...(spec.initContainers ?? [])].map((c) => c.image ?? ''))
    return (node) => {
      const present = (node.node.status?.images ?? []).reduce((sum, image) => sum + (image.names?.some((name) => wanted.has(name)) ? (image.sizeBytes ?? 0) : 0), 0)
      const most = largeImages * Math.max(1, wanted.size)
      return (greatestScore * (Math.min(most, Math.max(smallImages, present)) - smallImages)) / (most - smallImages)
    }
  },
}

export const scores: readonly Score[] = [
  leastAllocated, balancedAllocation, taintPreference, nodeAffinityPreference, topologySpread, interPodPreference, imageLocality,
]
