// The scheduler as a component: takes pods from the queue one at a time, decides, and binds beside the next decision.
import type { Pod, PodCondition } from '../api/generated/types.ts'
import { objectKey, splitKey } from '../api/object.ts'
import * as refs from '../api/refs.ts'
import { StatusError } from '../api/status-error.ts'
import { rfc3339, type Clock } from '../base/clock.ts'
import type { Component } from '../base/component.ts'
import type { Logger } from '../base/logger.ts'
import type { Client } from '../client/client.ts'
import type { EventRecorder } from '../client/event-recorder.ts'
import type { InformerFactory } from '../client/informer.ts'
import { attempt, type Attempt } from './attempt.ts'
import { Cluster } from './cluster.ts'
import { claimNames } from './filters/volumes.ts'
import { podFacts, type PodFacts } from './pod-facts.ts'
import { preempt, type Preemption } from './preemption.ts'
import { SchedulingQueue, type ClusterChange } from './queue.ts'

interface SchedulerOptions {
  client: Client
  informers: InformerFactory
  events: EventRecorder
  clock: Clock
  log: Logger
}

const schedulerName = 'default-scheduler'

export function createScheduler(options: SchedulerOptions): Component {
  return {
    name: 'scheduler',
    async start(signal) {
      const scheduler = new Scheduler(options)
      await scheduler.start(signal)
      return { failed: new Promise(() => {}), stop: () => scheduler.stop() }
    },
  }
}

const everyChange: ReadonlySet<ClusterChange> = new Set<ClusterChange>(['node', 'pod-gone', 'pod-added', 'volume', 'namespace'])

/** The pod went or changed while its fate was being written. */
const isOutrun = (error: unknown) => error instanceof StatusError && (error.code === 404 || error.code === 409)

class Scheduler {
  readonly #options: SchedulerOptions
  readonly #cluster: Cluster
  readonly #queue: SchedulingQueue
  readonly #binding = new Set<Promise<void>>()
  #unsubscribe: () => void = () => {}
  #scheduled = false
  #stopped = false

  constructor(options: SchedulerOptions) {
    this.#options = options
    this.#cluster = new Cluster(options.informers)
    this.#queue = new SchedulingQueue({ clock: options.clock, wake: () => this.#wake() })
  }

  async start(signal: AbortSignal): Promise<void> {
    await this.#cluster.whenSynced(signal)
    this.#unsubscribe = this.#cluster.listen({
      pending: (pod) => this.#pending(pod),
      settled: (key) => this.#queue.delete(key),
      changed: (change) => this.#queue.clusterChanged(change),
    })
  }

  async stop(): Promise<void> {
    this.#stopped = true
    this.#unsubscribe()
    this.#queue.stop()
    await Promise.all(this.#binding)
  }

  readonly #seen = new WeakMap<Pod, true>()

  #pending(pod: Pod): void {
    const wanted = pod.spec?.schedulerName === schedulerName && !pod.metadata?.deletionTimestamp && !pod.spec.schedulingGates?.length
    if (!wanted) return this.#queue.delete(objectKey(pod))
    if (this.#seen.has(pod) || this.#cluster.isAssumed(pod.metadata?.uid ?? '')) return
    this.#seen.set(pod, true)
    if (this.#isOwnNews(pod)) return
    this.#queue.add(objectKey(pod), pod.spec?.priority ?? 0)
  }

  /** What we wrote into the pod's status ourselves is no reason to try it again. */
  #isOwnNews(pod: Pod): boolean {
    const condition = pod.status?.conditions?.find((c) => c.type === 'PodScheduled')
    const written = this.#written.get(pod.metadata?.uid ?? '')
    return written !== undefined && written === `${condition?.message}|${pod.status?.nominatedNodeName ?? ''}|${pod.metadata?.generation ?? 0}`
  }

  readonly #written = new Map<string, string>()

  #wake(): void {
    if (this.#scheduled || this.#stopped) return
    this.#scheduled = true
    setImmediate(() => {
      this.#scheduled = false
      if (this.#stopped) return
      const key = this.#queue.next()
      if (key === undefined) return
      this.#decide(key)
      this.#wake()
    })
  }

  #decide(key: string): void {
    const { namespace, name } = splitKey(key)
    const pod = this.#cluster.pods.get(name, namespace)
    if (!pod || pod.spec?.nodeName) return this.#queue.delete(key)
    const facts = podFacts(pod)
    const world = this.#cluster.worldFor(facts)
    const result = attempt(facts, world)
    if (result.node === undefined) return this.#track(this.#refused(facts, result))
    const unbound = claimNames(facts).filter((claim) => !world.claim(facts.namespace, claim)?.spec?.volumeName)
    if (unbound.length > 0) return this.#track(this.#selectNodeForClaims(facts, unbound, result.node))
    this.#cluster.assume(facts, result.node)
    this.#queue.delete(key)
    this.#track(this.#bind(facts, result.node))
  }

  #track(work: Promise<void>): void {
    const done = work.catch((error: unknown) => this.#options.log[isOutrun(error) ? 'debug' : 'error']('scheduling failed', { error })).finally(() => this.#binding.delete(done))
    this.#binding.add(done)
  }

  async #bind(facts: PodFacts, node: string): Promise<void> {
    const { client, events } = this.#options
    try {
      await client.resource(refs.pods, facts.namespace).createSubresource(facts.pod.metadata!.name!, 'binding', {
        apiVersion: 'v1', kind: 'Binding', metadata: { name: facts.pod.metadata!.name, namespace: facts.namespace, uid: facts.uid }, target: { apiVersion: 'v1', kind: 'Node', name: node },
      })
      events.event(facts.pod, 'Normal', 'Scheduled', `Successfully assigned ${facts.key} to ${node}`)
    } catch (error) {
      this.#cluster.forget(facts)
      events.event(facts.pod, 'Warning', 'FailedScheduling', `binding rejected: ${(error as Error).message}`)
      const { namespace, name } = splitKey(facts.key)
      const now = this.#cluster.pods.get(name, namespace)
      if (!now || now.spec?.nodeName) return
      this.#queue.add(facts.key, facts.priority)
      this.#queue.failed(facts.key, everyChange)
    }
  }

  /** The volume binder takes over from here; the pod is tried again when its claims are bound. */
  async #selectNodeForClaims(facts: PodFacts, claims: readonly string[], node: string): Promise<void> {
    this.#queue.failed(facts.key, new Set(['volume']))
    const client = this.#options.client.resource(refs.persistentvolumeclaims, facts.namespace)
    for (const claim of claims) await client.patch(claim, { metadata: { annotations: { 'volume.kubernetes.io/selected-node': node } } }, { type: 'merge' })
  }

  async #refused(facts: PodFacts, result: Attempt & { node: undefined }): Promise<void> {
    // in the queue again at once: what changes while the status is written must not be lost
    this.#queue.failed(facts.key, everyChange)
    const way = result.rejections.size > 0 ? this.#tryPreemption(facts, result) : undefined
    const message = !way || way.node !== undefined ? result.message : `${result.message} no new claims to deallocate, preemption: ${way.message}`
    const preemption = way?.node === undefined ? undefined : way
    if (preemption) this.#cluster.nominate(facts, preemption.node)
    await this.#writeRefusal(facts, message, preemption?.node)
    this.#options.events.event(facts.pod, 'Warning', 'FailedScheduling', message)
    if (preemption) await this.#evict(facts, preemption)
  }

  #tryPreemption(facts: PodFacts, result: Attempt & { node: undefined }): ReturnType<typeof preempt> {
    const world = this.#cluster.worldFor(facts)
    const nominated = facts.pod.status?.nominatedNodeName
    const leaving = nominated && world.nodes.get(nominated)?.pods.some((other) => other.priority < facts.priority && other.pod.metadata?.deletionTimestamp)
    if (leaving) return { node: undefined, message: 'not eligible due to a terminating pod on the nominated node.' }
    return preempt(facts, world, result.rejections, this.#cluster.budgets.list())
  }

  async #writeRefusal(facts: PodFacts, message: string, nominatedNodeName: string | undefined): Promise<void> {
    const { clock, client } = this.#options
    const before = facts.pod.status?.conditions?.find((c) => c.type === 'PodScheduled')
    const nominated = nominatedNodeName ?? facts.pod.status?.nominatedNodeName
    if (before?.status === 'False' && before.message === message && nominated === facts.pod.status?.nominatedNodeName) return
    const condition: PodCondition = {
      type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message, observedGeneration: facts.pod.metadata?.generation,
      lastTransitionTime: before?.status === 'False' ? before.lastTransitionTime : rfc3339(clock.now()), lastProbeTime: null as unknown as undefined,
    }
    this.#written.set(facts.uid, `${message}|${nominated ?? ''}|${facts.pod.metadata?.generation ?? 0}`)
    const status = { conditions: [condition], ...(nominatedNodeName ? { nominatedNodeName } : {}) }
    await client.resource(refs.pods, facts.namespace).patch(facts.pod.metadata!.name!, { metadata: { uid: facts.uid }, status }, { type: 'strategic', subresource: 'status' })
  }

  async #evict(facts: PodFacts, { node, victims }: Preemption): Promise<void> {
    for (const victim of victims) {
      const client = this.#options.client.resource(refs.pods, victim.namespace)
      const name = victim.pod.metadata!.name!
      const condition: PodCondition = {
        type: 'DisruptionTarget', status: 'True', reason: 'PreemptionByScheduler', lastTransitionTime: rfc3339(this.#options.clock.now()),
        message: `${schedulerName}: preempting to accommodate a higher priority pod`,
      }
      await client.patch(name, { metadata: { uid: victim.uid }, status: { conditions: [condition] } }, { type: 'strategic', subresource: 'status' })
      await client.delete(name, { preconditions: { uid: victim.uid } })
      this.#options.events.event(victim.pod, 'Normal', 'Preempted', `Preempted by pod ${facts.uid} on node ${node}`)
    }
  }
}
