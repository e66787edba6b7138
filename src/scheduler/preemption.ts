// Which pods of lower priority would have to go so that a pod fits: pure. The node with the least harm is chosen, as upstream ranks it.
import type { PodDisruptionBudget } from '../api/generated/types.ts'
import { labelSelectorOf } from '../api/selector.ts'
import { firstRejection, histogram, prepareFilters } from './attempt.ts'
import type { Rejection } from './framework.ts'
import type { PodFacts } from './pod-facts.ts'
import { withoutPods, type NodeState, type World } from './world.ts'

export interface Preemption {
  node: string
  victims: PodFacts[]
}

/** Without a way: what FailedScheduling says after the reasons. */
type PreemptionOutcome = Preemption | { node: undefined; message: string }

export function preempt(pod: PodFacts, world: World, rejections: ReadonlyMap<string, Rejection>, budgets: readonly PodDisruptionBudget[]): PreemptionOutcome {
  if (pod.spec.preemptionPolicy === 'Never') return { node: undefined, message: 'not eligible due to preemptionPolicy=Never.' }
  const unhelpful: Rejection = { reasons: ['Preemption is not helpful for scheduling'], final: true }
  const fruitless: Rejection = { reasons: ['No preemption victims found for incoming pod'], final: true }
  const verdicts: Rejection[] = []
  const ways: Way[] = []
  for (const [name, rejection] of rejections) {
    if (rejection.final) {
      verdicts.push(unhelpful)
      continue
    }
    const way = victimsOn(world.nodes.get(name)!, { pod, world, budgets })
    if (way) ways.push(way)
    else verdicts.push(fruitless)
  }
  if (ways.length === 0) return { node: undefined, message: `0/${world.nodes.size} nodes are available: ${histogram(verdicts)}.` }
  ways.sort(compareWays)
  return { node: ways[0]!.node, victims: ways[0]!.victims }
}

interface Way extends Preemption {
  /** Victims whose disruption budget is exhausted. */
  violations: number
}

interface Context {
  pod: PodFacts
  world: World
  budgets: readonly PodDisruptionBudget[]
}

function victimsOn(node: NodeState, context: Context): Way | undefined {
  const { pod } = context
  const lower = node.pods.filter((other) => other.priority < pod.priority)
  if (lower.length === 0 || !fitsWithout(node, new Set(lower), context)) return undefined
  const { violating, others } = splitByBudget(lower, context.budgets)
  // bring back as many as possible, those under a budget and the important first
  const gone = new Set(lower)
  const reprieve = (candidates: readonly PodFacts[]) => {
    const victims: PodFacts[] = []
    for (const candidate of [...candidates].sort(byImportance)) {
      gone.delete(candidate)
      if (fitsWithout(node, gone, context)) continue
      gone.add(candidate)
      victims.push(candidate)
    }
    return victims
  }
  const violations = reprieve(violating)
  const victims = [...violations, ...reprieve(others)]
  return { node: node.name, victims, violations: violations.length }
}

function fitsWithout(node: NodeState, gone: ReadonlySet<PodFacts>, { pod, world }: Context): boolean {
  const lighter = withoutPods(world, node.name, gone)
  const checks = prepareFilters(pod, lighter)
  return typeof checks !== 'string' && firstRejection(checks, lighter.nodes.get(node.name)!) === undefined
}

const startOf = (pod: PodFacts) => Date.parse(pod.pod.status?.startTime ?? pod.pod.metadata?.creationTimestamp ?? '') || 0
const byImportance = (a: PodFacts, b: PodFacts) => b.priority - a.priority || startOf(a) - startOf(b)

function splitByBudget(pods: readonly PodFacts[], budgets: readonly PodDisruptionBudget[]): { violating: PodFacts[]; others: PodFacts[] } {
  const left = budgets.map((budget) => ({ budget, selector: labelSelectorOf(budget.spec?.selector), allowed: budget.status?.disruptionsAllowed ?? 0 }))
  const violating: PodFacts[] = []
  const others: PodFacts[] = []
  for (const pod of [...pods].sort(byImportance)) {
    const concerned = left.filter((l) => l.budget.metadata?.namespace === pod.namespace && l.selector.matches(pod.labels) && !((pod.pod.metadata?.name ?? '') in (l.budget.status?.disruptedPods ?? {})))
    for (const l of concerned) l.allowed--
    ;(concerned.some((l) => l.allowed < 0) ? violating : others).push(pod)
  }
  return { violating, others }
}

/** Fewest budgets violated, least important highest victim, smallest sum of priorities, fewest victims, latest start of the most important ones. */
function compareWays(a: Way, b: Way): number {
  const highest = (way: Way) => Math.max(...way.victims.map((v) => v.priority))
  const sum = (way: Way) => way.victims.reduce((total, v) => total + v.priority + 2 ** 31, 0)
  const earliest = (way: Way) => Math.min(...way.victims.filter((v) => v.priority === highest(way)).map(startOf))
  return a.violations - b.violations || highest(a) - highest(b) || sum(a) - sum(b) || a.victims.length - b.victims.length || earliest(b) - earliest(a)
}
