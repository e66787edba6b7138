// Subresources that do more than write a part of the object: `pods/log`, `pods/exec`, `pods/binding`, `serviceaccounts/token`, ...,
// and virtual kinds such as SubjectAccessReview (under `RESOURCE` alone). They run after authorization, and read the object themselves.
import type { Duplex } from 'node:stream'
import type { ApiRequest, ApiResponse } from '../../api/exchange.ts'
import type { ResourceDefinition } from '../../api/resource.ts'
import type { Attributes, UserInfo } from '../../api/user.ts'
import type { ObjectReader } from '../object-reader.ts'

export interface SubresourceCall {
  readonly request: ApiRequest
  /** After impersonation. */
  readonly user: UserInfo
  readonly attributes: Attributes
  /** Of the kind the subresource belongs to. */
  readonly definition: ResourceDefinition
  /** The path behind the subresource, for `proxy`: without a leading slash; undefined where nothing follows. */
  readonly rest: string | undefined
  readonly reader: ObjectReader
  /** Parses the body (JSON or YAML), checks `apiVersion` and `kind` against what is given and returns the object. @throws StatusError */
  body<T>(expected?: { apiVersion: string; kind: string }): T
  /** Runs admission with the operation CONNECT or, for a body that is to be written, CREATE. @throws StatusError */
  admit(operation: 'CREATE' | 'CONNECT', draft?: object): Promise<void>
  readonly dryRun: boolean
  warn(text: string): void
}

export interface SubresourceHandler {
  /** HTTP methods that it answers, for discovery's verbs: POST is `create`, GET `get`, ... */
  readonly methods: readonly ApiRequest['method'][]
  /** The kind that discovery names; by default that of the resource itself. */
  readonly kind?: { group: string; version: string; kind: string }
  handle(call: SubresourceCall): Promise<ApiResponse>
  /** For connections that leave HTTP (WebSocket, SPDY). The handler writes its own answer to the socket, also for its errors. */
  upgrade?(call: SubresourceCall, connection: UpgradedConnection): Promise<void>
}

export interface UpgradedConnection {
  readonly socket: Duplex
  /** What the client had sent behind the head of its request. */
  readonly head: Buffer
  /** The request's head, as `ws` wants it. */
  readonly message: import('node:http').IncomingMessage
}

/** By `pods/log`, `apps/deployments/scale`: group (none for core), plural, subresource; for virtual kinds `GROUP/PLURAL`. */
export type SubresourceHandlers = ReadonlyMap<string, SubresourceHandler>
