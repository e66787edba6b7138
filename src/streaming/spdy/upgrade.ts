// How an HTTP/1.1 connection becomes a SPDY one, on either side, with a subprotocol agreed on (source: k8s.io/streaming/pkg/httpstream `Handshake`).
import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import type { ConnectionOptions } from 'node:tls'
import { refuseUpgrade, switchProtocols } from '../http-upgrade.ts'
import { openSpdyConnection, type SpdyConnection, type SpdyStream } from './connection.ts'

const protocolHeader = 'X-Stream-Protocol-Version'

interface DialOptions {
  /** Preferred first. */
  protocols: readonly string[]
  headers?: Record<string, string>
  /** For https. */
  tls?: ConnectionOptions
}

export interface Dialed {
  connection: SpdyConnection
  /** The one the server chose; empty when it named none. */
  protocol: string
}

/** Rejects with the server's own words when it does not upgrade. */
export async function dialSpdy(url: string, { protocols, headers = {}, tls }: DialOptions): Promise<Dialed> {
  const { request } = url.startsWith('https:') ? await import('node:https') : await import('node:http')
  return new Promise((resolve, reject) => {
    const call = request(url, { ...tls, method: 'POST', headers: { ...headers, Connection: 'Upgrade', Upgrade: 'SPDY/3.1', [protocolHeader]: [...protocols] } })
    call.on('error', reject)
    call.on('response', (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('end', () => reject(new Error(`unable to upgrade connection: ${Buffer.concat(chunks).toString().trim() || `HTTP status ${response.statusCode}`}`)))
      response.on('error', reject)
    })
    call.on('upgrade', (response, socket, head) => {
      socket.setNoDelay(true)
      resolve({ connection: openSpdyConnection(socket, { role: 'client', head }), protocol: String(response.headers[protocolHeader.toLowerCase()] ?? '') })
    })
    call.end()
  })
}

interface Accepted {
  connection: SpdyConnection
  protocol: string
}

/** Answers the upgrade. Undefined when there is no common protocol: the client has been told. */
export function acceptSpdy(request: IncomingMessage, socket: Duplex, head: Buffer, supported: readonly string[], onStream: (stream: SpdyStream) => void): Accepted | undefined {
  const offered = (request.headersDistinct[protocolHeader.toLowerCase()] ?? []).flatMap((value) => value.split(',')).map((value) => value.trim())
  const protocol = offered.find((name) => supported.includes(name)) ?? ''
  if (offered.length > 0 && protocol === '') {
    refuseUpgrade(socket, 403, `unable to upgrade: unable to negotiate protocol: client supports [${offered.join(' ')}], server accepts [${supported.join(' ')}]`)
    return undefined
  }
  switchProtocols(socket, { Connection: 'Upgrade', Upgrade: 'SPDY/3.1', ...(protocol ? { [protocolHeader]: protocol } : {}) })
  return { connection: openSpdyConnection(socket, { role: 'server', head, onStream }), protocol }
}
