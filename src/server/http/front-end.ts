// HTTPS: one port, HTTP/2 and HTTP/1.1, client certificates, upgrades. It knows who calls; what they may is decided behind it.
import type { IncomingMessage, ServerResponse } from 'node:http'
import http2, { type ServerHttp2Stream } from 'node:http2'
import { constants as cryptoConstants } from 'node:crypto'
import { setMaxListeners } from 'node:events'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import type { TLSSocket } from 'node:tls'
import type { Logger } from '../../base/logger.ts'
import type { ApiRequest, ApiResponse } from '../../api/exchange.ts'
import type { UserInfo } from '../../api/user.ts'
import { answerError } from '../answer.ts'
import type { Credentials } from '../authentication/authenticator.ts'
import type { UpgradedConnection } from '../subresources/handler.ts'
import { readBody } from './body.ts'
import { createCertificateReader } from './client-certificate.ts'
import { openConnections } from './connections.ts'
import { send } from './send.ts'
import { refuseUpgrade } from './upgrade.ts'
import { http1Wire, http2Wire, splitTarget, type Wire } from './wire.ts'

export interface TlsMaterial {
  /** PEM. */
  certificate: string
  key: string
  /** Authorities that sign client certificates, for the hint that clients are given. PEM. */
  clientAuthorities: readonly string[]
}

interface HttpFrontEndOptions {
  host?: string
  /** 0 takes a free one. */
  port: number
  tls: TlsMaterial
  api: {
    handle(request: ApiRequest): Promise<ApiResponse>
    upgrade(request: ApiRequest, connection: UpgradedConnection): Promise<ApiResponse | undefined>
    endWatches(): void
  }
  /** @throws StatusError 401 */
  authenticate(credentials: Credentials): Promise<UserInfo>
  log: Logger
}

export interface HttpFrontEnd {
  readonly address: AddressInfo
  /** For connections from now on. */
  reload(tls: TlsMaterial): void
  /** Takes no new requests, ends watches, gives others two seconds, at most until `deadline` aborts, and cuts what is left, such as `logs -f`. */
  stop(deadline: AbortSignal): Promise<void>
}

const context = ({ certificate, key, clientAuthorities }: TlsMaterial) => ({
  cert: certificate, key, ca: [...clientAuthorities], minVersion: 'TLSv1.2' as const,
  // A resumed session would come without its client certificate.
  secureOptions: cryptoConstants.SSL_OP_NO_TICKET,
})

/** One for all: making an error with its stack for every request that ends would cost more than the request. */
const closed = new Error('the connection was closed')
const windowBytes = 1 << 20
const drainMilliseconds = 2000

export async function openHttpFrontEnd(options: HttpFrontEndOptions): Promise<HttpFrontEnd> {
  const { api, authenticate, log } = options
  const certificateOf = createCertificateReader()
  const server = http2.createSecureServer({
    ...context(options.tls), allowHTTP1: true, requestCert: true, rejectUnauthorized: false,
    settings: { maxConcurrentStreams: 1000, initialWindowSize: windowBytes }, maxSessionMemory: 256,
  })
  const connections = openConnections(server)

  async function serve(wire: Wire, credentials: Credentials): Promise<void> {
    const gone = new AbortController()
    setMaxListeners(0, gone.signal)
    wire.output.on('close', () => gone.abort(closed))
    wire.output.on('error', () => gone.abort(closed))
    try {
      await send(wire, await answer(wire, credentials, gone.signal), gone.signal)
    } catch (error) {
      if (!gone.signal.aborted) log.error('an answer could not be sent', { error, path: wire.target })
      wire.output.destroy()
    }
  }

  async function answer(wire: Wire, credentials: Credentials, signal: AbortSignal): Promise<ApiResponse> {
    try {
      const user = await authenticate(credentials)
      const method = wire.method as ApiRequest['method']
      const body = method === 'GET' || method === 'HEAD' ? undefined : await readBody(wire.input)
      return await api.handle({ method, ...splitTarget(wire.target), headers: wire.headers, body, user, signal })
    } catch (error) {
      return answerError(error)
    }
  }

  async function upgrade(message: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    const gone = new AbortController()
    socket.on('close', () => gone.abort())
    socket.on('error', () => gone.abort())
    try {
      const user = await authenticate({ headers: message.headers as Credentials['headers'], clientCertificate: certificateOf(socket, socket as TLSSocket) })
      const request: ApiRequest = { method: (message.method ?? 'GET') as ApiRequest['method'], ...splitTarget(message.url ?? '/'), headers: message.headers as ApiRequest['headers'], user, signal: gone.signal }
      const refused = await api.upgrade(request, { socket, head, message })
      if (refused) refuseUpgrade(socket, refused)
    } catch (error) {
      refuseUpgrade(socket, answerError(error))
    }
  }

  server.on('request', (message, response) => {
    const [incoming, outgoing] = [message as unknown as IncomingMessage, response as unknown as ServerResponse]
    void serve(http1Wire(incoming, outgoing), { headers: incoming.headers as Credentials['headers'], clientCertificate: certificateOf(incoming.socket, incoming.socket as TLSSocket) })
  })
  // Listening for requests made Node translate HTTP/2 streams into them, too; streams are served as they are, which is quicker.
  server.removeAllListeners('stream')
  server.on('session', (session) => session.setLocalWindowSize(4 * windowBytes))
  server.on('stream', (stream, headers) => {
    const session = stream.session
    if (!session) return stream.destroy()
    void serve(http2Wire(stream as ServerHttp2Stream, headers), { headers: headers as Credentials['headers'], clientCertificate: certificateOf(session, session.socket as TLSSocket) })
  })
  server.on('upgrade', (message: IncomingMessage, socket: Duplex, head: Buffer) => void upgrade(message, socket, head))
  server.on('sessionError', (error) => log.debug('an HTTP/2 session failed', { error }))
  server.on('tlsClientError', (error) => log.debug('a TLS handshake failed', { error }))

  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(options.port, options.host, () => (server.off('error', reject), resolve()))
  })
  return {
    address: server.address() as AddressInfo,
    reload: (tls) => server.setSecureContext(context(tls)),
    stop(deadline) {
      api.endWatches()
      return connections.close(AbortSignal.any([deadline, AbortSignal.timeout(drainMilliseconds)]))
    },
  }
}
