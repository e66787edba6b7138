// What the kubelet's HTTPS API needs of the rest of the agent.
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import type { UserInfo } from '../../api/user.ts'
import type { Clock } from '../../base/clock.ts'
import type { Logger } from '../../base/logger.ts'
import type { ContainerRuntime } from '../../runtime/container-runtime.ts'
import type { PodLookup } from '../pod-lookup.ts'

export interface EndpointCredentials {
  bearerToken?: string
  /** Verified against the client CA by TLS. */
  certificate?: { commonName: string; organizations: readonly string[] }
}

interface EndpointAttributes {
  user: UserInfo
  verb: string
  path: string
  /** Of `nodes`; one of them has to be allowed. */
  subresources: readonly string[]
}

export interface EndpointAccess {
  /** Undefined when nobody knows the credentials. */
  authenticate(credentials: EndpointCredentials): Promise<UserInfo | undefined>
  authorize(attributes: EndpointAttributes): Promise<boolean>
}

export interface EndpointContext {
  nodeName: string
  pods: PodLookup
  runtime: ContainerRuntime
  clock: Clock
  log: Logger
  /** Answer of /configz: the kubelet's configuration. */
  configuration(): unknown
  /** Appended to /metrics: text in Prometheus's format. */
  metrics?(): string
}

export interface Call {
  request: IncomingMessage
  /** Decoded path segments that the route left open. */
  params: Readonly<Record<string, string>>
  query: URLSearchParams
  context: EndpointContext
}

export interface PlainCall extends Call {
  response: ServerResponse
}

export interface UpgradeCall extends Call {
  socket: Duplex
  head: Buffer
}

/** An answer that is not 200: plain text, as the kubelet gives it. */
export class EndpointError extends Error {
  readonly status: number
  constructor(status: number, message: string) {
    super(message)
    this.name = 'EndpointError'
    this.status = status
  }
}
