// The nodes and what runs or is about to run on them, as one scheduling attempt sees it.
import type { Namespace, Node, PersistentVolume, PersistentVolumeClaim, Pod, StorageClass, Taint } from '../api/generated/types.ts'
import { amountsOf, type Amounts } from '../api/pod-amounts.ts'
import { isFinished } from '../api/pod-phase.ts'
import { addAmounts, podFacts, type AffinityTerm, type PodFacts } from './pod-facts.ts'

export interface NodeState {
  readonly name: string
  readonly node: Node
  readonly labels: Readonly<Record<string, string>>
  readonly taints: readonly Taint[]
  readonly allocatable: Amounts
  readonly requested: Amounts
  readonly pods: readonly PodFacts[]
}

export interface World {
  readonly nodes: ReadonlyMap<string, NodeState>
  namespace(name: string): Namespace | undefined
  claim(namespace: string, name: string): PersistentVolumeClaim | undefined
  volume(name: string): PersistentVolume | undefined
  volumes(): readonly PersistentVolume[]
  storageClass(name: string): StorageClass | undefined
}

const allocatableOf = new WeakMap<Node, Amounts>()

export function nodeState(node: Node, pods: readonly PodFacts[]): NodeState {
  let allocatable = allocatableOf.get(node)
  if (!allocatable) allocatableOf.set(node, (allocatable = amountsOf(node.status?.allocatable)))
  return {
    name: node.metadata?.name ?? '',
    node,
    labels: node.metadata?.labels ?? {},
    taints: node.spec?.taints ?? [],
    allocatable,
    requested: pods.reduce<Amounts>((sum, pod) => addAmounts(sum, pod.requests), {}),
    pods,
  }
}

/** The same world without some pods of one node: what preemption asks about. */
export function withoutPods(world: World, nodeName: string, gone: ReadonlySet<PodFacts>): World {
  const state = world.nodes.get(nodeName)
  if (!state) return world
  return { ...world, nodes: new Map(world.nodes).set(nodeName, nodeState(state.node, state.pods.filter((pod) => !gone.has(pod)))) }
}

export const factsOf = (pods: readonly Pod[]): PodFacts[] => pods.filter((pod) => !isFinished(pod)).map(podFacts)

/** Whether `pod` is one of those that `term` speaks of. */
export function termMatches(term: AffinityTerm, pod: PodFacts, world: World): boolean {
  if (!term.selector.matches(pod.labels)) return false
  return term.namespaces.has(pod.namespace) || (term.namespaceSelector?.matches(world.namespace(pod.namespace)?.metadata?.labels) ?? false)
}
