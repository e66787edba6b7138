// ConfigMaps and Secrets that mounted volumes show: one watch for each object by name, shared by its users and ended with the last of them.
// A node may read only objects that its pods name, hence single watches (source: Node authorizer).
import { sleep, type Clock } from '../../base/clock.ts'
import type { Logger } from '../../base/logger.ts'
import type { ConfigMap, Secret } from '../../api/generated/types.ts'
import type { Stored } from '../../api/object.ts'
import { configmaps, secrets } from '../../api/refs.ts'
import type { Client, ResourceClient } from '../../client/client.ts'

export type WatchedKind = 'ConfigMap' | 'Secret'
type Watched = ConfigMap | Secret

interface WatchedObject {
  /** The newest state known; undefined when it does not exist. Rejects while it cannot be known. */
  current(): Promise<Watched | undefined>
  release(): void
}

export interface WatchedObjects {
  /** `changed` is called after every change from now on. */
  acquire(kind: WatchedKind, namespace: string, name: string, changed: () => void): WatchedObject
  stop(): void
}

interface Entry {
  users: Set<() => void>
  known?: { object: Watched | undefined }
  first: Promise<void>
  abort: AbortController
}

interface WatchedObjectsOptions {
  client: Client
  clock: Clock
  log: Logger
}

const retryMilliseconds = { first: 500, most: 30_000 }

export function createWatchedObjects({ client, clock, log }: WatchedObjectsOptions): WatchedObjects {
  const entries = new Map<string, Entry>()

  function open(kind: WatchedKind, namespace: string, name: string): Entry {
    const api = client.resource(kind === 'ConfigMap' ? configmaps : secrets, namespace) as ResourceClient<Watched>
    const abort = new AbortController()
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    promise.catch(() => {})
    const entry: Entry = { users: new Set(), first: promise, abort }
    const set = (object: Stored<Watched> | undefined) => {
      const before = entry.known
      entry.known = { object }
      resolve()
      if (before && before.object?.metadata?.resourceVersion !== object?.metadata.resourceVersion) for (const changed of [...entry.users]) changed()
    }
    void follow({ api, name, abort: abort.signal, clock, set, failed: (error) => (reject(error), log.debug('watch of a mounted object ended', { kind, namespace, name, error })) })
    return entry
  }

  return {
    acquire(kind, namespace, name, changed) {
      const key = `${kind}/${namespace}/${name}`
      const entry = entries.get(key) ?? open(kind, namespace, name)
      entries.set(key, entry)
      const user = () => changed()
      entry.users.add(user)
      return {
        async current() {
          if (!entry.known) await entry.first.catch(async (error: Error) => {
            if (!entry.known) throw error
          })
          return entry.known?.object
        },
        release() {
          entry.users.delete(user)
          if (entry.users.size > 0 || entries.get(key) !== entry) return
          entries.delete(key)
          entry.abort.abort()
        },
      }
    },
    stop() {
      for (const entry of entries.values()) entry.abort.abort()
      entries.clear()
    },
  }
}

interface Follow {
  api: ResourceClient<Watched>
  name: string
  abort: AbortSignal
  clock: Clock
  set(object: Stored<Watched> | undefined): void
  failed(error: Error): void
}

async function follow({ api, name, abort, clock, set, failed }: Follow): Promise<void> {
  const fieldSelector = `metadata.name=${name}`
  let wait = retryMilliseconds.first
  while (!abort.aborted) {
    try {
      const list = await api.list({ fieldSelector })
      set(list.items[0])
      wait = retryMilliseconds.first
      for await (const event of api.watch({ fieldSelector, resourceVersion: list.metadata.resourceVersion, allowWatchBookmarks: true, signal: abort })) {
        if (event.type === 'ADDED' || event.type === 'MODIFIED') set(event.object as Stored<Watched>)
        else if (event.type === 'DELETED') set(undefined)
        else if (event.type === 'ERROR') break
      }
    } catch (error) {
      if (abort.aborted) return
      failed(error as Error)
    }
    await sleep(clock, wait, abort).catch(() => {})
    wait = Math.min(wait * 2, retryMilliseconds.most)
  }
}
