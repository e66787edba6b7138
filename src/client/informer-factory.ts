// One informer for each (kind, namespace, selectors). They live until the factory is stopped.
import type { KubeObject } from '../api/object.ts'
import { apiVersionOf } from '../api/object.ts'
import type { ResourceRef } from '../api/resource.ts'
import type { Clock } from '../base/clock.ts'
import type { Logger } from '../base/logger.ts'
import type { Client } from './client.ts'
import type { Informer, InformerFactory, InformerOptions } from './informer.ts'
import { WatchingInformer } from './watching-informer.ts'

interface InformerFactoryOptions {
  client: Client
  clock: Clock
  log: Logger
  /** Between 0 and 1; default Math.random. */
  random?: () => number
}

export function createInformerFactory({ client, clock, log, random = Math.random }: InformerFactoryOptions): InformerFactory {
  const informers = new Map<string, WatchingInformer<KubeObject>>()
  const keepers = createNumbering()
  let stopped = false
  return {
    informer<T extends KubeObject>(ref: ResourceRef<T>, options: InformerOptions<T> = {}): Informer<T> {
      if (stopped) throw new Error('the informers have been stopped')
      const { namespace, labelSelector = '', fieldSelector = '', keep } = options
      const id = JSON.stringify([apiVersionOf(ref), ref.plural, namespace ?? '', labelSelector, fieldSelector, keep ? keepers.of(keep) : 0])
      let informer = informers.get(id) as WatchingInformer<T> | undefined
      if (!informer) {
        informer = new WatchingInformer({
          resource: client.resource(ref, namespace), select: { labelSelector, fieldSelector }, keep, clock, random,
          log: log.with({ resource: ref.plural, group: ref.group }),
        })
        informers.set(id, informer as unknown as WatchingInformer<KubeObject>)
        informer.start()
      }
      for (const [name, of] of Object.entries(options.indexes ?? {})) informer.addIndex(name, of)
      return informer
    },
    async stop() {
      stopped = true
      await Promise.all([...informers.values()].map((informer) => informer.stop()))
    },
  }
}

/** Tells functions apart. */
function createNumbering(): { of(value: object): number } {
  const numbers = new Map<object, number>()
  return {
    of(value) {
      if (!numbers.has(value)) numbers.set(value, numbers.size + 1)
      return numbers.get(value)!
    },
  }
}
