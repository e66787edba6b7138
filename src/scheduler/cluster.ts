// The scheduler's view of the cluster: informers, plus what it has decided itself and the informers do not show yet.
import type { Namespace, Node, PersistentVolume, PersistentVolumeClaim, Pod, PodDisruptionBudget, StorageClass } from '../api/generated/types.ts'
import { objectKey } from '../api/object.ts'
import * as refs from '../api/refs.ts'
import type { Informer, InformerFactory } from '../client/informer.ts'
import { isFinished } from '../api/pod-phase.ts'
import { podFacts, type PodFacts } from './pod-facts.ts'
import type { ClusterChange } from './queue.ts'
import { factsOf, nodeState, type NodeState, type World } from './world.ts'

const byNode = 'node'

interface ClusterListener {
  /** A pod that wants this scheduler's decision appeared or changed. */
  pending(pod: Pod): void
  /** A pod needs no decision any more. */
  settled(key: string): void
  changed(change: ClusterChange): void
}

export class Cluster {
  readonly pods: Informer<Pod>
  readonly budgets: Informer<PodDisruptionBudget>
  readonly #nodes: Informer<Node>
  readonly #namespaces: Informer<Namespace>
  readonly #claims: Informer<PersistentVolumeClaim>
  readonly #volumes: Informer<PersistentVolume>
  readonly #classes: Informer<StorageClass>
  readonly #states = new Map<string, NodeState>()
  /** Pods bound by us that the informer still shows unbound, by uid. */
  readonly #assumed = new Map<string, { facts: PodFacts; node: string }>()
  /** Pods for whom others were evicted, by uid. */
  readonly #nominated = new Map<string, { facts: PodFacts; node: string }>()

  constructor(informers: InformerFactory) {
    this.pods = informers.informer<Pod>(refs.pods, { indexes: { [byNode]: (pod) => [pod.spec?.nodeName ?? ''] } })
    this.#nodes = informers.informer<Node>(refs.nodes)
    this.#namespaces = informers.informer<Namespace>(refs.namespaces)
    this.#claims = informers.informer<PersistentVolumeClaim>(refs.persistentvolumeclaims)
    this.#volumes = informers.informer<PersistentVolume>(refs.persistentvolumes)
    this.#classes = informers.informer<StorageClass>(refs.storageclasses)
    this.budgets = informers.informer<PodDisruptionBudget>(refs.poddisruptionbudgets)
  }

  async whenSynced(signal: AbortSignal): Promise<void> {
    const all = [this.pods, this.#nodes, this.#namespaces, this.#claims, this.#volumes, this.#classes, this.budgets]
    await Promise.all(all.map((informer) => informer.whenSynced(signal)))
  }

  /** Calls back for what is there and for what changes. @returns a function that ends it. */
  listen(listener: ClusterListener): () => void {
    const ends = [
      this.pods.onChange((before, now) => this.#podChanged(before, now, listener)),
      this.#nodes.onChange((before, now) => {
        this.#states.delete((now ?? before)!.metadata.name)
        if (now && nodeMatters(before, now)) listener.changed('node')
      }),
      this.#namespaces.onChange((before, now) => {
        if (before && now && JSON.stringify(before.metadata.labels) !== JSON.stringify(now.metadata.labels)) listener.changed('namespace')
      }),
      ...[this.#claims, this.#volumes, this.#classes].map((informer) => (informer as Informer<Pod>).onChange((_before, now) => void (now && listener.changed('volume')))),
    ]
    return () => ends.forEach((end) => end())
  }

  /** As this pod should see it: higher-priority pods that wait for evictions count where they are going to be. */
  worldFor(pod: PodFacts): World {
    const nodes = new Map<string, NodeState>()
    for (const node of this.#nodes.list()) nodes.set(node.metadata.name, this.#state(node))
    for (const { facts, node } of this.#nominated.values()) {
      const state = nodes.get(node)
      if (state && facts.uid !== pod.uid && facts.priority >= pod.priority) nodes.set(node, nodeState(state.node, [...state.pods, facts]))
    }
    return {
      nodes,
      namespace: (name) => this.#namespaces.get(name),
      claim: (namespace, name) => this.#claims.get(name, namespace),
      volume: (name) => this.#volumes.get(name),
      volumes: () => this.#volumes.list(),
      storageClass: (name) => this.#classes.get(name),
    }
  }

  assume(facts: PodFacts, node: string): void {
    this.#assumed.set(facts.uid, { facts, node })
    this.#nominated.delete(facts.uid)
    this.#states.delete(node)
  }

  forget(facts: PodFacts): void {
    const assumed = this.#assumed.get(facts.uid)
    this.#assumed.delete(facts.uid)
    if (assumed) this.#states.delete(assumed.node)
  }

  isAssumed(uid: string): boolean {
    return this.#assumed.has(uid)
  }

  nominate(facts: PodFacts, node: string): void {
    this.#nominated.set(facts.uid, { facts, node })
  }

  #state(node: Node): NodeState {
    const name = node.metadata!.name!
    let state = this.#states.get(name)
    if (!state) {
      const assumed = [...this.#assumed.values()].filter((a) => a.node === name).map((a) => a.facts)
      const bound = factsOf(this.pods.byIndex(byNode, name))
      const boundUids = new Set(bound.map((pod) => pod.uid))
      state = nodeState(node, [...bound, ...assumed.filter((pod) => !boundUids.has(pod.uid))])
      this.#states.set(name, state)
    }
    return state
  }

  #podChanged(before: Pod | undefined, now: Pod | undefined, listener: ClusterListener): void {
    const pod = (now ?? before)!
    const node = pod.spec?.nodeName
    const facts = podFacts(pod)
    if (node) {
      this.#states.delete(node)
      this.#assumed.delete(facts.uid)
      this.#nominated.delete(facts.uid)
    }
    if (!now || isFinished(now)) {
      this.forget(facts)
      this.#nominated.delete(facts.uid)
      listener.settled(objectKey(pod))
      if (node && before && !isFinished(before)) listener.changed('pod-gone')
    } else if (node) {
      listener.settled(objectKey(pod))
      if (!before?.spec?.nodeName || JSON.stringify(before.metadata?.labels) !== JSON.stringify(now.metadata?.labels)) listener.changed('pod-added')
    } else listener.pending(now)
  }
}

/** Heartbeats change neither what fits on a node nor who may go there. */
function nodeMatters(before: Node | undefined, now: Node): boolean {
  const essence = (node: Node) => JSON.stringify([node.spec?.taints, node.spec?.unschedulable, node.metadata?.labels, node.status?.allocatable])
  return !before || essence(before) !== essence(now)
}
