// Follows one kind by a single watch: initial objects come in the watch itself (WatchList) or, from a server that does not know it, from a
// list; a broken watch goes on where it broke; a revision that is too old (410) starts anew. Nothing is polled.
import type { WatchEvent } from '../api/exchange.ts'
import { objectKey, type KubeObject, type Stored } from '../api/object.ts'
import { StatusError } from '../api/status-error.ts'
import type { Status } from '../api/generated/types.ts'
import { createBackOff } from '../base/back-off.ts'
import { sleep, type Clock } from '../base/clock.ts'
import type { Logger } from '../base/logger.ts'
import type { ResourceClient, SelectOptions } from './client.ts'
import type { Informer } from './informer.ts'
import { InformerStore, type ChangeListener, type IndexFunction } from './informer-store.ts'

interface WatchingInformerOptions<T extends KubeObject> {
  resource: ResourceClient<T>
  select: SelectOptions
  keep?: (object: Stored<T>) => Stored<T>
  clock: Clock
  random(): number
  log: Logger
}

const backOffRange = { initialMilliseconds: 200, maximumMilliseconds: 30_000 }
/** A watch that lived this long was a good one: the next may start at once. */
const goodWatchMilliseconds = 5_000
const pageSize = 500
const initialEventsEnd = 'k8s.io/initial-events-end'

export class WatchingInformer<T extends KubeObject> implements Informer<T> {
  readonly #options: WatchingInformerOptions<T>
  readonly #store: InformerStore<T>
  readonly #stopping = new AbortController()
  readonly #waiting = new Set<{ revision: number; done: () => void }>()
  readonly #whenSynced = Promise.withResolvers<void>()
  #synced = false
  #revision = 0
  /** Where the next watch goes on; undefined: everything is read anew. */
  #resumeAt: string | undefined
  #watchList = true
  #refreshing: { promise: Promise<void>; resolve: () => void } | undefined
  #watch = new AbortController()
  #running: Promise<void> = Promise.resolve()

  constructor(options: WatchingInformerOptions<T>) {
    this.#options = options
    this.#store = new InformerStore((error) => options.log.error('a listener failed', { error }))
    this.#whenSynced.promise.catch(() => {})
  }

  get synced(): boolean {
    return this.#synced
  }

  get revision(): number {
    return this.#revision
  }

  start(): void {
    this.#running = this.#run()
  }

  async stop(): Promise<void> {
    this.#stopping.abort(new Error('the informer was stopped'))
    this.#watch.abort(this.#stopping.signal.reason)
    await this.#running
    this.#whenSynced.reject(new Error('the informer was stopped'))
    this.#refreshing?.resolve()
    for (const { done } of [...this.#waiting]) done()
  }

  addIndex(name: string, of: IndexFunction<T>): void {
    this.#store.addIndex(name, of)
  }

  get(name: string, namespace?: string): Stored<T> | undefined {
    return this.#store.get(name, namespace)
  }

  list(namespace?: string): readonly Stored<T>[] {
    return this.#store.list(namespace)
  }

  byIndex(index: string, value: string): readonly Stored<T>[] {
    return this.#store.byIndex(index, value)
  }

  onChange(listener: ChangeListener<T>): () => void {
    return this.#store.subscribe(listener)
  }

  async whenSynced(signal?: AbortSignal): Promise<void> {
    if (!signal) return this.#whenSynced.promise
    signal.throwIfAborted()
    const aborted = Promise.withResolvers<never>()
    const onAbort = () => aborted.reject(signal.reason)
    signal.addEventListener('abort', onAbort, { once: true })
    await Promise.race([this.#whenSynced.promise, aborted.promise]).finally(() => signal.removeEventListener('abort', onAbort))
  }

  reached(revision: number, deadlineMilliseconds: number): Promise<boolean> {
    if (this.#revision >= revision) return Promise.resolve(true)
    return new Promise((resolve) => {
      const done = () => {
        timer.cancel()
        this.#waiting.delete(waiter)
        resolve(this.#revision >= revision)
      }
      const waiter = { revision, done }
      const timer = this.#options.clock.after(deadlineMilliseconds, done)
      this.#waiting.add(waiter)
    })
  }

  refresh(): Promise<void> {
    if (!this.#refreshing) {
      this.#refreshing = Promise.withResolvers<void>()
      this.#resumeAt = undefined
      this.#watch.abort(new Error('everything is read anew'))
    }
    return this.#refreshing.promise
  }

  async #run(): Promise<void> {
    const { clock, random, log } = this.#options
    const backOff = createBackOff({ ...backOffRange, random })
    const stopping = this.#stopping.signal
    while (!stopping.aborted) {
      this.#watch = new AbortController()
      const begun = clock.monotonic()
      let failure: unknown
      try {
        await this.#follow(this.#watch.signal)
      } catch (error) {
        failure = error
      }
      if (stopping.aborted) return
      if (this.#watch.signal.aborted) continue
      if (failure !== undefined) this.#considerFailure(failure)
      const lived = clock.monotonic() - begun
      if (lived >= goodWatchMilliseconds || isExpired(failure)) backOff.reset()
      if (failure === undefined && lived >= goodWatchMilliseconds) continue
      const wait = backOff.next()
      if (failure !== undefined && !isExpired(failure)) log.warn('a watch failed and is tried again', { error: failure, milliseconds: Math.round(wait) })
      await sleep(clock, wait, stopping).catch(() => {})
    }
  }

  #considerFailure(failure: unknown): void {
    if (isExpired(failure)) this.#resumeAt = undefined
    const refused = failure instanceof StatusError && (failure.code === 400 || failure.code === 422)
    if (refused && this.#resumeAt === undefined) this.#watchList = false
  }

  async #follow(signal: AbortSignal): Promise<void> {
    if (this.#resumeAt === undefined && !this.#watchList) await this.#list()
    if (signal.aborted) return
    const { resource, select } = this.#options
    const start = this.#resumeAt === undefined ? { sendInitialEvents: true } : { resourceVersion: this.#resumeAt }
    let initial = this.#resumeAt === undefined ? new Map<string, Stored<T>>() : undefined
    for await (const event of resource.watch({ ...select, ...start, allowWatchBookmarks: true, signal })) {
      if (signal.aborted) return
      if (event.type === 'ERROR') throw StatusError.fromStatus(event.object as Status)
      if (!initial) this.#apply(event)
      else if (event.type === 'BOOKMARK' && event.object.metadata.annotations?.[initialEventsEnd] === 'true') {
        this.#replace(initial, event.object.metadata.resourceVersion)
        initial = undefined
      } else if (event.type === 'DELETED') initial.delete(objectKey(event.object))
      else if (event.type !== 'BOOKMARK') initial.set(objectKey(event.object), this.#kept(event.object))
    }
  }

  async #list(): Promise<void> {
    const found = new Map<string, Stored<T>>()
    let next: string | undefined
    let revision: string | undefined
    do {
      const page = await this.#options.resource.list({ ...this.#options.select, limit: pageSize, ...(next ? { continue: next } : {}) })
      for (const object of page.items) found.set(objectKey(object), this.#kept(object))
      next = page.metadata.continue
      revision = page.metadata.resourceVersion
    } while (next)
    this.#replace(found, revision ?? '0')
  }

  #replace(objects: ReadonlyMap<string, Stored<T>>, revision: string): void {
    this.#store.replace(objects)
    this.#synced = true
    this.#advance(revision)
    this.#whenSynced.resolve()
    this.#refreshing?.resolve()
    this.#refreshing = undefined
  }

  #apply(event: WatchEvent<Stored<T>>): void {
    if (event.type === 'DELETED') this.#store.remove(objectKey(event.object), this.#kept(event.object))
    else if (event.type !== 'BOOKMARK') this.#store.set(this.#kept(event.object))
    this.#advance(event.object.metadata.resourceVersion)
  }

  #kept(object: Stored<T>): Stored<T> {
    return this.#options.keep?.(object) ?? object
  }

  #advance(revision: string): void {
    this.#resumeAt = revision
    this.#revision = Number(revision)
    for (const waiter of [...this.#waiting]) if (waiter.revision <= this.#revision) waiter.done()
  }
}

const isExpired = (failure: unknown): boolean => failure instanceof StatusError && failure.code === 410
