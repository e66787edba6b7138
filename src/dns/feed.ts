// What mk8s tells the DNS process over its socket, and what it hears back: JSON, one message a line. The objects are Kubernetes' in shape,
// with nothing in them but what records are made of.
import type { Socket } from 'node:net'
import type { EndpointSlice, Service } from '../api/generated/types.ts'

export interface DnsSettings {
  /** Where it listens; UDP and TCP. */
  address: string
  port: number
  /** As in `cluster.local`. */
  clusterDomain: string
  resolvConf: string
  /** Never forwarded to: the address under which pods know this server. */
  serviceAddress: string
}

/** `key` is `<namespace>/<name>`; without an object it is gone. */
export type Fact = { kind: 'service'; key: string; object?: Service } | { kind: 'slice'; key: string; object?: EndpointSlice } | { kind: 'namespace'; key: string; object?: object }

/** A connection begins with all facts; `complete` puts them in force in place of earlier ones. Further facts take effect at once. `alive` wants to be said back. */
export type ToDns = Fact | { complete: DnsSettings } | { alive: true }

export type FromDns = { listening: true } | { refused: string } | { failed: string } | { alive: true }

const serviceLabel = 'kubernetes.io/service-name'

export function serviceFacts({ metadata, spec }: Service): Service {
  const ports = spec?.ports?.map(({ name, protocol, port }) => ({ name, protocol, port }))
  return {
    metadata: { name: metadata?.name, namespace: metadata?.namespace },
    spec: { type: spec?.type, clusterIP: spec?.clusterIP, clusterIPs: spec?.clusterIPs, externalName: spec?.externalName, ports },
  }
}

export function sliceFacts({ metadata, addressType, endpoints, ports }: EndpointSlice): EndpointSlice {
  return {
    metadata: { name: metadata?.name, namespace: metadata?.namespace, labels: { [serviceLabel]: serviceOf({ metadata, addressType, endpoints }).name } }, addressType,
    endpoints: endpoints?.map(({ addresses, hostname, conditions }) => ({ addresses: addresses.slice(0, 1), hostname, conditions: { ready: conditions?.ready } })),
    ports: ports?.map(({ name, protocol, port }) => ({ name, protocol, port })),
  }
}

export const serviceOf = ({ metadata }: EndpointSlice) => ({ namespace: metadata?.namespace ?? '', name: metadata?.labels?.[serviceLabel] ?? '' })

export const send = (socket: Socket, message: ToDns | FromDns): boolean => socket.write(`${JSON.stringify(message)}\n`)

/** Calls `take` for each message. */
export function receive<T>(socket: Socket, take: (message: T) => void): void {
  let rest = ''
  socket.setEncoding('utf8').on('data', (chunk: string) => {
    const lines = (rest + chunk).split('\n')
    rest = lines.pop()!
    for (const line of lines) take(JSON.parse(line) as T)
  })
}
