// What a scheduler plug-in is: it looks at a pod and the world once, then at each node.
import type { PodFacts } from './pod-facts.ts'
import type { NodeState, World } from './world.ts'

/** Why a node will not do. `final`: no pod that might be removed from the node would change that. */
export interface Rejection {
  reasons: readonly string[]
  final: boolean
}

export interface Filter {
  readonly name: string
  /** Undefined: nothing to object to on any node. A string: no node at all will do, and why. */
  prepare(pod: PodFacts, world: World): ((node: NodeState) => Rejection | undefined) | string | undefined
}

export interface Score {
  readonly name: string
  readonly weight: number
  /** Undefined: every node is as good. Values of any range; `normalize` brings them to 0..100. */
  prepare(pod: PodFacts, world: World): ((node: NodeState) => number) | undefined
  normalize(values: readonly number[]): number[]
}

export const reject = (reason: string, final = false): Rejection => ({ reasons: [reason], final })

export const greatestScore = 100

/** The largest becomes 100, zero stays; reversed where less is better. */
export function toGreatest(values: readonly number[], options: { reverse: boolean }): number[] {
  const max = Math.max(0, ...values)
  if (max === 0) return values.map(() => (options.reverse ? greatestScore : 0))
  return values.map((value) => (options.reverse ? greatestScore - (greatestScore * value) / max : (greatestScore * value) / max))
}

/** The least becomes 0, the largest 100. */
export function toRange(values: readonly number[]): number[] {
  const [min, max] = [Math.min(...values), Math.max(...values)]
  return values.map((value) => (max === min ? 0 : (greatestScore * (value - min)) / (max - min)))
}

export const asTheyAre = (values: readonly number[]): number[] => [...values]
