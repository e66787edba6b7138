// Pods that wait for a node: by priority, then by turn. A pod that did not fit waits until something changes that might help, and at
// least its back-off; what happens while it is being tried is not lost.
import type { Clock, Timer } from '../base/clock.ts'

/** What changed in the cluster, as far as it can let a pod fit that did not. */
export type ClusterChange = 'node' | 'pod-gone' | 'pod-added' | 'volume' | 'namespace'

interface SchedulingQueueOptions {
  clock: Clock
  /** Called when a pod may be ready. */
  wake(): void
}

interface Waiting {
  priority: number
  attempts: number
  /** The changes that may help, while it is parked. */
  parkedFor?: ReadonlySet<ClusterChange>
  /** Not before this instant of the monotonic clock. */
  notBefore: number
}

const firstBackOff = 1000
const longestBackOff = 10_000

export class SchedulingQueue {
  readonly #options: SchedulingQueueOptions
  readonly #waiting = new Map<string, Waiting>()
  /** Keys that can be tried, in turn, by priority. */
  readonly #ready = new Map<number, Set<string>>()
  readonly #backingOff = new Set<string>()
  readonly #parked = new Set<string>()
  /** Changes since the attempt under way began. */
  readonly #changes = new Set<ClusterChange>()
  #timer: Timer | undefined

  constructor(options: SchedulingQueueOptions) {
    this.#options = options
  }

  /** Puts a pod in, or makes one that changed ready again. */
  add(key: string, priority: number): void {
    const attempts = this.#waiting.get(key)?.attempts ?? 0
    this.delete(key)
    this.#waiting.set(key, { priority, attempts, notBefore: 0 })
    this.#makeReady(key, priority)
    this.#options.wake()
  }

  delete(key: string): void {
    const waiting = this.#waiting.get(key)
    if (!waiting) return
    this.#waiting.delete(key)
    this.#ready.get(waiting.priority)?.delete(key)
    this.#backingOff.delete(key)
    this.#parked.delete(key)
  }

  /** Takes the next pod to try out of its place; it stays known until `delete`, or comes back by `failed`. */
  next(): string | undefined {
    this.#endBackOffs()
    const priority = Math.max(...[...this.#ready].filter(([, keys]) => keys.size > 0).map(([p]) => p))
    const [key] = this.#ready.get(priority) ?? []
    if (key === undefined) return undefined
    this.#ready.get(priority)!.delete(key)
    this.#changes.clear()
    return key
  }

  /** The pod fitted nowhere: it is tried again after its back-off once one of `helps` happens, or has happened since `next`. */
  failed(key: string, helps: ReadonlySet<ClusterChange>): void {
    const waiting = this.#waiting.get(key)
    if (!waiting || this.#ready.get(waiting.priority)?.has(key)) return
    waiting.notBefore = this.#options.clock.monotonic() + Math.min(longestBackOff, firstBackOff * 2 ** waiting.attempts++)
    waiting.parkedFor = helps
    if ([...helps].some((change) => this.#changes.has(change))) this.#backingOff.add(key)
    else this.#parked.add(key)
    this.#endBackOffs()
  }

  clusterChanged(change: ClusterChange): void {
    this.#changes.add(change)
    let moved = false
    for (const key of this.#parked) {
      if (!this.#waiting.get(key)!.parkedFor!.has(change)) continue
      this.#parked.delete(key)
      this.#backingOff.add(key)
      moved = true
    }
    if (moved) this.#options.wake()
  }

  stop(): void {
    this.#timer?.cancel()
    this.#waiting.clear()
    this.#ready.clear()
    this.#backingOff.clear()
    this.#parked.clear()
  }

  #makeReady(key: string, priority: number): void {
    const keys = this.#ready.get(priority)
    if (keys) keys.add(key)
    else this.#ready.set(priority, new Set([key]))
  }

  #endBackOffs(): void {
    const now = this.#options.clock.monotonic()
    let soonest = Infinity
    for (const key of this.#backingOff) {
      const { notBefore, priority } = this.#waiting.get(key)!
      if (notBefore > now) {
        soonest = Math.min(soonest, notBefore)
        continue
      }
      this.#backingOff.delete(key)
      this.#makeReady(key, priority)
    }
    this.#timer?.cancel()
    this.#timer = soonest === Infinity ? undefined : this.#options.clock.after(soonest - now, () => this.#options.wake())
  }
}
