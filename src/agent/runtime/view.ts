// What the runtime holds, kept current by its events and by reading single objects; all of it is listed only at the start and when events were lost.
import type { Clock, Timer } from '../../base/clock.ts'
import type { Logger } from '../../base/logger.ts'
import { RuntimeError, type ContainerRuntime, type ContainerStatus, type RuntimeEvent, type SandboxStatus } from '../../runtime/container-runtime.ts'
import { labelKeys } from '../container/labels.ts'
import { nothingObserved, type Observed } from './observed.ts'
import { terminationMessage } from './termination-message.ts'

export interface RuntimeView {
  observe(podUid: string): Observed
  podUids(): string[]
  container(id: string): ContainerStatus | undefined
  /** Reads one object anew; undefined when it is gone. */
  refreshContainer(id: string): Promise<ContainerStatus | undefined>
  refreshSandbox(id: string): Promise<SandboxStatus | undefined>
  /** What is known may be wrong: all is read anew, and again until it can be. */
  recheck(): void
  /** @returns a function that unsubscribes. */
  onChange(listener: (podUid: string) => void): () => void
  stop(): void
}

interface RuntimeViewOptions {
  runtime: ContainerRuntime
  clock: Clock
  log: Logger
  /** Default 5 minutes; with a driver without events, default 2 seconds. */
  relistMilliseconds?: number
}

interface PodObjects {
  sandboxes: Map<string, SandboxStatus>
  containers: Map<string, ContainerStatus>
}

/** Else nothing would tell what was missed until all is listed the next time. */
const recheckRetry = { first: 200, most: 10_000 }

/** By attempt: the runtime dates by a clock that may have been set back since. */
const newestFirst = <T extends { createdAt: number; attempt: number; id: string }>(objects: Iterable<T>): T[] =>
  [...objects].sort((a, b) => b.attempt - a.attempt || b.createdAt - a.createdAt || (a.id < b.id ? 1 : -1))

export async function openRuntimeView({ runtime, clock, log, relistMilliseconds }: RuntimeViewOptions): Promise<RuntimeView> {
  const pods = new Map<string, PodObjects>()
  const owner = new Map<string, string>()
  const listeners = new Set<(podUid: string) => void>()
  const underWay = new Map<string, Promise<unknown>>()
  let stopped = false
  let timer: Timer | undefined
  let doubted = false
  let rechecking = false
  /** Ends the pause before the next try. */
  let wake = () => {}

  const notify = (uid: string | undefined) => uid !== undefined && listeners.forEach((listener) => listener(uid))
  const objectsOf = (uid: string) => {
    let objects = pods.get(uid)
    if (!objects) pods.set(uid, (objects = { sandboxes: new Map(), containers: new Map() }))
    return objects
  }
  const keep = (kind: keyof PodObjects, object: SandboxStatus | ContainerStatus) => {
    const uid = object.labels[labelKeys.podUid] ?? ''
    owner.set(object.id, uid)
    const map = objectsOf(uid)[kind] as Map<string, SandboxStatus | ContainerStatus>
    const before = map.get(object.id)
    map.set(object.id, object)
    if (JSON.stringify(before) !== JSON.stringify(object)) notify(uid)
  }
  const forget = (id: string) => {
    const uid = owner.get(id)
    if (uid === undefined) return
    owner.delete(id)
    const objects = pods.get(uid)
    objects?.sandboxes.delete(id)
    objects?.containers.delete(id)
    if (objects && objects.sandboxes.size === 0 && objects.containers.size === 0) pods.delete(uid)
    notify(uid)
  }
  const orGone = async <T>(id: string, read: Promise<T>): Promise<T | undefined> => {
    try {
      return await read
    } catch (error) {
      if (!(error instanceof RuntimeError) || error.code !== 'NotFound') throw error
      forget(id)
      return undefined
    }
  }
  const readContainer = async (id: string) => {
    const status = await orGone(id, runtime.containerStatus(id))
    if (!status) return undefined
    const known = pods.get(owner.get(id) ?? '')?.containers.get(id)
    if (status.state === 'exited') status.message = known?.state === 'exited' ? known.message : await terminationMessage(status)
    if (status.labels[labelKeys.podUid]) keep('containers', status)
    return status
  }
  const readSandbox = async (id: string) => {
    const status = await orGone(id, runtime.sandboxStatus(id))
    if (status?.labels[labelKeys.podUid]) keep('sandboxes', status)
    return status
  }
  /** Reads of one object are never reordered. */
  const inOrder = <T>(id: string, read: () => Promise<T>): Promise<T> => {
    const next = (underWay.get(id) ?? Promise.resolve()).then(read, read)
    underWay.set(id, next)
    const done = () => underWay.get(id) === next && underWay.delete(id)
    next.then(done, done)
    return next
  }
  const refreshContainer = (id: string) => inOrder(id, () => readContainer(id))
  const refreshSandbox = (id: string) => inOrder(id, () => readSandbox(id))

  async function relist(): Promise<void> {
    const [sandboxes, containers] = await Promise.all([runtime.listSandboxes(), runtime.listContainers()])
    const seen = new Set([...sandboxes, ...containers].map(({ id }) => id))
    const stale: Promise<unknown>[] = []
    for (const sandbox of sandboxes) {
      const known = pods.get(sandbox.labels[labelKeys.podUid] ?? '')?.sandboxes.get(sandbox.id)
      if (sandbox.labels[labelKeys.podUid] && known?.ready !== sandbox.ready) stale.push(refreshSandbox(sandbox.id))
    }
    for (const container of containers) {
      const known = pods.get(container.labels[labelKeys.podUid] ?? '')?.containers.get(container.id)
      if (container.labels[labelKeys.podUid] && known?.state !== container.state) stale.push(refreshContainer(container.id))
    }
    for (const id of owner.keys()) if (!seen.has(id) && !underWay.has(id)) stale.push(isSandbox(id) ? refreshSandbox(id) : refreshContainer(id))
    // one that cannot be read does not hide the others
    const failed = (await Promise.allSettled(stale)).find((outcome) => outcome.status === 'rejected')
    if (failed) throw failed.reason
  }
  const isSandbox = (id: string) => pods.get(owner.get(id) ?? '')?.sandboxes.has(id) ?? false

  function recheck(): void {
    doubted = true
    wake()
    if (!rechecking) void readUntilKnown()
  }
  async function readUntilKnown(): Promise<void> {
    rechecking = true
    for (let failures = 0; doubted && !stopped; ) {
      doubted = false
      try {
        await relist()
        failures = 0
      } catch (error) {
        doubted = true
        if (failures === 0 && !stopped) log.warn('runtime could not be read', { error })
        await new Promise<void>((resolve) => {
          const pause = clock.after(Math.min(recheckRetry.first * 2 ** failures++, recheckRetry.most), resolve)
          wake = () => (pause.cancel(), resolve())
        })
      }
    }
    rechecking = false
  }

  /** States only go forward, and whoever starts or stops something reads it at once: most events tell what is known. */
  const isNews = ({ type, id }: RuntimeEvent): boolean => {
    const objects = pods.get(owner.get(id) ?? '')
    const state = objects?.containers.get(id)?.state
    switch (type) {
      case 'container-started': return state !== 'running' && state !== 'exited'
      case 'container-stopped': return state !== 'exited'
      case 'sandbox-stopped': return objects?.sandboxes.get(id)?.ready !== false
      case 'container-deleted': return owner.has(id)
      default: return true
    }
  }
  const subscription = runtime.events((event) => {
    const { type, id } = event
    if (type === 'image-changed') return
    void inOrder<unknown>(id, async () => isNews(event) && (type === 'sandbox-stopped' || isSandbox(id) ? readSandbox(id) : readContainer(id))).catch(recheck)
  }, recheck)
  await relist()

  const interval = relistMilliseconds ?? (subscription ? 300_000 : 2_000)
  const again = () => {
    timer = clock.after(interval, () => (recheck(), again()))
  }
  again()

  return {
    observe(podUid) {
      const objects = pods.get(podUid)
      return objects ? { sandboxes: newestFirst(objects.sandboxes.values()), containers: newestFirst(objects.containers.values()) } : nothingObserved
    },
    podUids: () => [...pods.keys()],
    container: (id) => pods.get(owner.get(id) ?? '')?.containers.get(id),
    refreshContainer, refreshSandbox, recheck,
    onChange(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    stop() {
      stopped = true
      timer?.cancel()
      wake()
      subscription?.stop()
    },
  }
}
