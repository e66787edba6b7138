// Remembers what a round of steps has written, so that the key is not planned again on a view that does not show it yet.
import type { KubeObject, Stored } from '../api/object.ts'
import { splitKey, namespacedName } from '../api/object.ts'
import type { ResourceRef } from '../api/resource.ts'
import { StatusError } from '../api/status-error.ts'
import type { Client, ResourceClient } from '../client/client.ts'
import type { Informer, InformerFactory, InformerOptions } from '../client/informer.ts'

const kindOf = (ref: ResourceRef): string => `${ref.plural}.${ref.group}`

/** The informers a controller has asked for, by kind. */
export class WatchedKinds {
  readonly #byKind = new Map<string, Informer<KubeObject>[]>()
  readonly all: Informer<KubeObject>[] = []

  /** A factory that remembers what it is asked for. */
  following(factory: InformerFactory): InformerFactory {
    return {
      informer: <T extends KubeObject>(ref: ResourceRef<T>, options?: InformerOptions<T>) => {
        const informer = factory.informer(ref, options)
        const erased = informer as unknown as Informer<KubeObject>
        this.#byKind.set(kindOf(ref), [...(this.#byKind.get(kindOf(ref)) ?? []), erased])
        this.all.push(erased)
        return informer
      },
      stop: () => factory.stop(),
    }
  }

  of(kind: string): readonly Informer<KubeObject>[] {
    return this.#byKind.get(kind) ?? []
  }
}

interface Deleted {
  kind: string
  key: string
  uid: string | undefined
}

const settleMilliseconds = 30_000

export class Written {
  readonly #revisions = new Map<string, number>()
  readonly #deleted: Deleted[] = []
  readonly #unknown = new Set<string>()

  /** A client that notes its writes here. */
  noting(client: Client): Client {
    return { request: client.request, resource: (ref, namespace) => this.#notingResource(client.resource(ref, namespace), ref, namespace) }
  }

  /** Resolves when the informers show everything written, or the time for it is over. */
  async settle(watched: WatchedKinds): Promise<void> {
    const waits: Promise<unknown>[] = []
    for (const kind of this.#unknown) for (const informer of watched.of(kind)) waits.push(informer.refresh())
    for (const [kind, revision] of this.#revisions) {
      for (const informer of watched.of(kind)) waits.push(informer.reached(revision, settleMilliseconds))
    }
    for (const deleted of this.#deleted) for (const informer of watched.of(deleted.kind)) waits.push(untilGone(informer, deleted))
    await Promise.all(waits)
  }

  #notingResource<T extends KubeObject>(resource: ResourceClient<T>, ref: ResourceRef<T>, namespace?: string): ResourceClient<T> {
    const kind = kindOf(ref)
    const noted = async (write: Promise<Stored<T>>): Promise<Stored<T>> => {
      const object = await this.#guarded(kind, write)
      this.#revisions.set(kind, Math.max(this.#revisions.get(kind) ?? 0, Number(object.metadata.resourceVersion)))
      return object
    }
    return {
      ...resource,
      create: (object, options) => noted(resource.create(object, options)),
      update: (object, options) => noted(resource.update(object, options)),
      updateStatus: (object, options) => noted(resource.updateStatus(object, options)),
      patch: (name, patch, options) => noted(resource.patch(name, patch, options)),
      delete: async (name, options) => {
        await this.#guarded(kind, resource.delete(name, options))
        this.#deleted.push({ kind, key: namespacedName(namespace, name), uid: options?.preconditions?.uid })
      },
    }
  }

  async #guarded<R>(kind: string, write: Promise<R>): Promise<R> {
    try {
      return await write
    } catch (error) {
      if (!(error instanceof StatusError) || error.code >= 500) this.#unknown.add(kind)
      throw error
    }
  }
}

async function untilGone(informer: Informer<KubeObject>, { key, uid }: Deleted): Promise<void> {
  const { namespace, name } = splitKey(key)
  const isGone = () => {
    const object = informer.get(name, namespace)
    return !object || object.metadata.deletionTimestamp !== undefined || (uid !== undefined && object.metadata.uid !== uid)
  }
  while (!isGone()) if (!(await informer.reached(informer.revision + 1, settleMilliseconds))) return
}
