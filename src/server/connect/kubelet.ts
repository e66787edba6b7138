// How the API server reaches the kubelet of a node: its address, and TLS with the API server's own client certificate.
import type { Node } from '../../api/generated/types.ts'
import { nodes } from '../../api/refs.ts'
import { internalError, notFoundError } from '../../api/status-error.ts'
import type { ObjectReader } from '../object-reader.ts'
import { checkServerIdentity, type ConnectionOptions } from 'node:tls'

export interface KubeletAccess {
  /** PEM; read at each connection, so that renewed certificates are used. */
  identity(): { key: string; certificate: string; authority: string }
  /** The node on this very machine: reached by loopback, so that streams live on when the machine's address changes. */
  ownNode?: string
}

/** Where a request goes. */
export interface Target {
  secure: boolean
  host: string
  port: number
  /** Only with `secure`. */
  tls?: ConnectionOptions
}

/** Addresses that need no name service come first. */
const addressTypes = ['InternalIP', 'ExternalIP', 'InternalDNS', 'Hostname', 'ExternalDNS']
const defaultPort = 10250

/** @throws StatusError 404 when there is no such node. */
export function kubeletTarget(reader: ObjectReader, nodeName: string, access: KubeletAccess): Target {
  const node = reader.get(nodes, nodeName)
  if (!node) throw notFoundError({ group: '', resource: 'nodes' }, nodeName)
  const { key, certificate, authority } = access.identity()
  return {
    secure: true, host: nodeName === access.ownNode ? '127.0.0.1' : addressOf(node), port: node.status?.daemonEndpoints?.kubeletEndpoint?.Port || defaultPort,
    // A node may have got another address since its certificate was made; its name is as good.
    tls: { key, cert: certificate, ca: authority, checkServerIdentity: (host, peer) => checkServerIdentity(host, peer) && checkServerIdentity(nodeName, peer) },
  }
}

function addressOf({ metadata, status }: Node): string {
  const addresses = status?.addresses ?? []
  const found = addressTypes.flatMap((type) => addresses.filter((address) => address.type === type))[0]
  if (!found) throw internalError(`no preferred addresses found; known addresses: [${addresses.map(({ address }) => address).join(' ')}] of node ${metadata?.name}`)
  return found.address
}

export const authority = ({ host, port }: Target): string => `${host.includes(':') ? `[${host}]` : host}:${port}`
export const originOf = (target: Target): string => `${target.secure ? 'https' : 'http'}://${authority(target)}`
