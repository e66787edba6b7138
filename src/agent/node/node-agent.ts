// Registers the node and keeps its status true: written when something changed, and every five minutes.
import type { Clock, Timer } from '../../base/clock.ts'
import type { Logger } from '../../base/logger.ts'
import type { Node, NodeStatus } from '../../api/generated/types.ts'
import type { Stored } from '../../api/object.ts'
import { nodes } from '../../api/refs.ts'
import { StatusError, isNotFound } from '../../api/status-error.ts'
import type { Client } from '../../client/client.ts'
import type { ContainerRuntime, Image, RuntimeInfo } from '../../runtime/container-runtime.ts'
import type { Recorder } from '../events/recorder.ts'
import { same } from '../values.ts'
import type { Machine } from './machine.ts'
import type { PressureCondition } from '../eviction/thresholds.ts'
import { labelsOf, newNode, nodeStatus, pressureTransitions, type NodeIdentity } from './node-status.ts'

export interface NodeAgent {
  node(): Stored<Node> | undefined
  /** The API has this state of the node, from whomever. */
  seen(node: Stored<Node>): void
  /** Something about the node may have changed. */
  refresh(): void
  stop(): void
}

interface NodeAgentOptions {
  client: Client
  runtime: ContainerRuntime
  clock: Clock
  log: Logger
  recorder: Recorder
  identity: NodeIdentity
  machine: Machine
  pressure(): readonly PressureCondition[]
}

const reportMilliseconds = 300_000
/** While the runtime is not ready it is asked often, at first very often: it is about to become so. */
const unreadyMilliseconds = { first: 50, most: 1000 }
/** How often the runtime is asked whether it is up, and every how many times the whole status is looked at. */
const check = { milliseconds: 20_000, failedMilliseconds: 5_000, fullEach: 3 }
const answerMilliseconds = 10_000
/** Source: `maxWaitForContainerRuntime` of k8s.io/kubernetes pkg/kubelet. */
const runtimePatienceMilliseconds = 30_000

/** Resolves when the node is registered. */
export async function startNodeAgent(options: NodeAgentOptions): Promise<NodeAgent> {
  const { client, runtime, clock, log, recorder, identity, machine } = options
  const api = client.resource(nodes)
  let known: Stored<Node> | undefined
  let reportedAt = 0
  let timer: Timer | undefined
  let stopped = false
  let running: Promise<void> | undefined
  let again = false
  let unready = unreadyMilliseconds.first
  let last: RuntimeInfo | undefined
  /** Since when the runtime does not answer; a short silence is a restart of it, of which pods notice nothing. */
  let silentSince: number | undefined
  let checks = 0
  let lastImages: readonly Image[] = []

  async function observe(old: NodeStatus | undefined): Promise<NodeStatus> {
    const [info, images] = await Promise.all([readRuntime(), inTime(runtime.listImages()).catch(() => lastImages)])
    lastImages = images
    return nodeStatus({ identity, machine, runtime: info, images, pressure: options.pressure(), old, now: clock.now() })
  }
  async function readRuntime(): Promise<RuntimeInfo> {
    try {
      last = await inTime(runtime.info())
      silentSince = undefined
      return last
    } catch (error) {
      silentSince ??= clock.monotonic()
      return last && clock.monotonic() - silentSince < runtimePatienceMilliseconds ? last : down(error as Error)
    }
  }
  /** A runtime that hangs is one that does not answer. */
  const inTime = <T>(answer: Promise<T>): Promise<T> =>
    new Promise((resolve, reject) => {
      const timer = clock.after(answerMilliseconds, () => reject(new Error('the container runtime does not answer')))
      answer.then(resolve, reject).finally(() => timer.cancel())
    })
  const down = (error: Error): RuntimeInfo => ({
    name: 'containerd', version: 'unknown', apiVersion: 'v1', cgroupDriver: 'cgroupfs' as const, ready: false, networkReady: true, message: error.message,
    features: { imageVolumes: false, userNamespaces: false, recursiveReadOnlyMounts: false },
  })

  async function register(): Promise<void> {
    const status = await observe(undefined)
    try {
      known = await api.create(newNode(identity, status))
      reportedAt = clock.monotonic()
      recorder.node('Normal', 'Starting', 'Starting kubelet.')
      tell(pressureTransitions(undefined, status))
    } catch (error) {
      if (!(error instanceof StatusError) || error.reason !== 'AlreadyExists') throw error
      known = await api.get(identity.name)
      const labels = labelsOf(identity)
      const missing = Object.entries(labels).some(([key, value]) => known?.metadata.labels?.[key] !== value)
      if (missing) known = await api.patch(identity.name, { metadata: { labels } }, { type: 'merge' })
      recorder.node('Normal', 'Starting', 'Starting kubelet.')
      const { bootID } = machine.info
      const before = known.status?.nodeInfo?.bootID
      if (before && before !== bootID) recorder.node('Warning', 'Rebooted', `Node ${identity.name} has been rebooted, boot id: ${bootID}`)
      await report()
    }
  }

  async function report(): Promise<void> {
    const old = known?.status
    const status = await observe(old)
    const due = clock.monotonic() - reportedAt >= reportMilliseconds
    if (!due && same(withoutHeartbeat(old), withoutHeartbeat(status))) return
    const wasReady = isReady(old)
    known = await api.patch(identity.name, { status: { ...status, ...(status.images?.length ? {} : { images: null }) } }, { type: 'merge', subresource: 'status' })
    reportedAt = clock.monotonic()
    const ready = isReady(status)
    tell([...pressureTransitions(old, status), ...(ready === wasReady ? [] : [ready ? 'NodeReady' : 'NodeNotReady'])])
  }

  function tell(reasons: readonly string[]): void {
    for (const reason of reasons) recorder.node('Normal', reason, `Node ${identity.name} status is now: ${reason}`)
  }

  function refresh(): void {
    if (stopped) return
    again = true
    running ??= (async () => {
      while (again && !stopped) {
        again = false
        await report()
      }
    })().catch((error: Error) => {
      log.warn('node status not written', { error })
      if (isNotFound(error)) return register().catch(() => undefined)
      return undefined
    }).finally(() => {
      running = undefined
      arm()
    })
  }

  function arm(): void {
    timer?.cancel()
    unready = isReady(known?.status) ? unreadyMilliseconds.first : Math.min(unready * 2, unreadyMilliseconds.most)
    if (stopped) return
    const ready = isReady(known?.status)
    timer = clock.after(!ready ? unready : silentSince === undefined ? check.milliseconds : check.failedMilliseconds, ready ? () => void look() : refresh)
  }

  /** Most of the time one small question: is the runtime as it was? */
  async function look(): Promise<void> {
    const { ready, networkReady } = await readRuntime()
    if (stopped) return
    if (!ready || !networkReady || ++checks % check.fullEach === 0) refresh()
    else arm()
  }

  await register()
  arm()
  return {
    node: () => known,
    seen(node) {
      if (running || !known || Number(node.metadata.resourceVersion) <= Number(known.metadata.resourceVersion)) return
      const isAsWritten = same(withoutHeartbeat(node.status), withoutHeartbeat(known.status))
      known = node
      // others have called it Unknown, or added to its status
      if (!isAsWritten) refresh()
    },
    refresh,
    stop() {
      stopped = true
      timer?.cancel()
    },
  }
}

const isReady = (status: NodeStatus | undefined) => status?.conditions?.find((c) => c.type === 'Ready')?.status === 'True'

const withoutHeartbeat = (status: NodeStatus | undefined): NodeStatus => ({
  ...status, conditions: status?.conditions?.map(({ lastHeartbeatTime: _, ...condition }) => condition),
})
