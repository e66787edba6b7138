// One request on its way through the server.
import type { Clock } from '../base/clock.ts'
import type { Logger } from '../base/logger.ts'
import type { ApiRequest } from '../api/exchange.ts'
import type { Attributes, UserInfo } from '../api/user.ts'
import type { AdmissionPlugin } from './admission/admission.ts'
import type { Authorizer } from './authorization/authorizer.ts'
import type { Cache } from './cache/types.ts'
import type { ObjectReader } from './object-reader.ts'
import type { Registry, ServedResource } from './registry.ts'
import type { OutputType } from './request/negotiate.ts'
import type { RequestInfo } from './request/path.ts'
import type { KeyLocks } from './store/key-locks.ts'

/** What lives as long as the server. */
export interface ServerParts {
  readonly registry: Registry
  readonly cache: Cache
  readonly reader: ObjectReader
  readonly clock: Clock
  readonly log: Logger
  readonly authorizer: Authorizer
  readonly admission: readonly AdmissionPlugin[]
  readonly locks: KeyLocks
  /** An integer from 0 to below `bound`. */
  random(bound: number): number
  uid(): string
  /** Aborted when the server stops: watches end. */
  readonly stopping: AbortSignal
}

/** A request for a resource that is served. */
export interface Call {
  readonly parts: ServerParts
  readonly request: ApiRequest
  readonly info: RequestInfo
  /** After impersonation. */
  readonly user: UserInfo
  readonly attributes: Attributes
  readonly resource: ServedResource
  readonly output: OutputType
  warn(text: string): void
}
