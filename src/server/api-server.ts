// The API server: from a request with a known user to its answer. What travels over HTTP is the front end's business (http/).
import { randomInt, randomUUID } from 'node:crypto'
import { setMaxListeners } from 'node:events'
import type { Clock } from '../base/clock.ts'
import type { Logger } from '../base/logger.ts'
import type { ApiHandler, ApiRequest, ApiResponse } from '../api/exchange.ts'
import type { ResourceDefinition } from '../api/resource.ts'
import type { Storage } from '../storage/storage.ts'
import type { AdmissionPlugin } from './admission/admission.ts'
import type { Authorizer } from './authorization/authorizer.ts'
import { openCache, type CacheOptions } from './cache/cache.ts'
import type { Cache } from './cache/types.ts'
import type { ServerParts } from './call.ts'
import type { HealthChecks } from './health.ts'
import { createInFlight, defaultInFlight, type InFlightLimits } from './in-flight.ts'
import { createMetrics, type Metrics } from './metrics.ts'
import type { NonResourceHandlers } from './non-resource.ts'
import type { ObjectReader } from './object-reader.ts'
import { createObjectReader } from './object-reader-of-cache.ts'
import { createPipeline } from './pipeline.ts'
import { createRegistry, storagePrefix, type Registry } from './registry.ts'
import { createKeyLocks } from './store/key-locks.ts'
import { indexOf } from './store/selection.ts'
import type { SubresourceHandlers, UpgradedConnection } from './subresources/handler.ts'

export interface ApiServerOptions {
  storage: Storage
  definitions: readonly ResourceDefinition[]
  clock: Clock
  log: Logger
  /** These read the server's own cache, so they are made when it is there. */
  createAuthorizer(reader: ObjectReader): Authorizer
  createAdmission?(reader: ObjectReader, authorizer: Authorizer): readonly AdmissionPlugin[]
  createSubresources?(reader: ObjectReader, authorizer: Authorizer): SubresourceHandlers
  /** What `/version` says; as in `v1.36.3+mk8s`. */
  version?: string
  inFlight?: InFlightLimits
  cache?: Partial<Pick<CacheOptions, 'window' | 'budgetBytes' | 'bookmarkMilliseconds'>>
}

export interface ApiServer extends ApiHandler {
  readonly reader: ObjectReader
  readonly authorizer: Authorizer
  readonly registry: Registry
  readonly cache: Cache
  readonly metrics: Metrics
  /** More paths outside resources, such as `/readyz` checks or `/.well-known/openid-configuration`. */
  readonly paths: NonResourceHandlers
  readonly health: HealthChecks
  /** A request that asked to leave HTTP; its answer is written to the socket. */
  upgrade(request: ApiRequest, connection: UpgradedConnection): Promise<ApiResponse | undefined>
  /** Ends all watches and takes no more of them; other requests are still answered. */
  endWatches(): void
  /** Storage stays open. */
  stop(): void
}

export async function createApiServer(options: ApiServerOptions): Promise<ApiServer> {
  const { clock, log, definitions } = options
  const registry = createRegistry(definitions)
  const cache = await openCache({ ...options.cache, storage: options.storage, clock, log, collections: definitions.filter((d) => !d.storedAs).map(collectionOf) })
  const reader = createObjectReader(cache)
  const authorizer = options.createAuthorizer(reader)
  const stopping = new AbortController()
  setMaxListeners(0, stopping.signal)
  const parts: ServerParts = {
    registry, cache, reader, clock, log, authorizer, admission: options.createAdmission?.(reader, authorizer) ?? [],
    locks: createKeyLocks(), random: (bound) => randomInt(bound), uid: randomUUID, stopping: stopping.signal,
  }
  const metrics = createMetrics(clock)
  const pipeline = createPipeline({
    parts, metrics, version: options.version ?? 'v1.36.3+mk8s', inFlight: createInFlight(options.inFlight ?? defaultInFlight), subresources: options.createSubresources?.(reader, authorizer) ?? new Map(),
  })
  pipeline.health.add('etcd', () => options.storage.currentRevision().then(() => undefined, (error: Error) => error.message))
  pipeline.health.add('shutdown', () => (stopping.signal.aborted ? 'process is shutting down' : undefined), { ready: true })
  return {
    reader, authorizer, registry, cache, metrics,
    paths: pipeline.paths,
    health: pipeline.health,
    handle: pipeline.handle,
    upgrade: pipeline.upgrade,
    endWatches: () => stopping.abort(new Error('the server stops')),
    stop() {
      stopping.abort(new Error('the server stops'))
      cache.stop()
    },
  }
}

const collectionOf = (definition: ResourceDefinition) => ({ prefix: storagePrefix(definition), indexOf: (_key: string, object: object) => indexOf(definition, object) })
