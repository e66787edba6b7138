// The kubelet's HTTPS API (port 10250): TLS with client certificates, authentication, authorization, dispatch.
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer, type Server } from 'node:https'
import type { Duplex } from 'node:stream'
import type { TLSSocket } from 'node:tls'
import type { Component } from '../../base/component.ts'
import { refuseUpgrade } from '../../streaming/http-upgrade.ts'
import { subresourcesOf, verbOf } from './access.ts'
import { matchRoute } from './routes.ts'
import { EndpointError, type EndpointAccess, type EndpointContext, type EndpointCredentials } from './types.ts'

/** PEM. */
interface TlsMaterial {
  key: string
  certificate: string
  clientCa: string
}

interface EndpointsOptions {
  /** Address to listen on; '' for all. */
  address: string
  port: number
  /** Asked at each connection, so that a renewed certificate is used. */
  tls(): TlsMaterial
  access: EndpointAccess
  context: EndpointContext
}

export interface Endpoints extends Component {
  /** Where it listens, once started. */
  port(): number
}

export function kubeletEndpoints(options: EndpointsOptions): Endpoints {
  let material = options.tls()
  const server = createServer(secureOptions(material))
  server.prependListener('connection', () => {
    const { certificate } = material
    material = options.tls()
    if (material.certificate !== certificate) server.setSecureContext(secureOptions(material))
  })
  // A slow reader of logs is not an idle connection, and neither is a follower.
  server.requestTimeout = 0
  server.on('request', (request: IncomingMessage, response: ServerResponse) => void answer(options, request, response))
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => void answerUpgrade(options, request, socket, head))
  server.on('tlsClientError', () => {})
  const upgraded = trackUpgraded(server)
  return {
    name: 'kubelet endpoints',
    port: () => (server.address() as { port: number }).port,
    async start() {
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject)
        server.listen(options.port, options.address || undefined, resolve)
      })
      return {
        failed: new Promise((resolve) => server.once('error', resolve)),
        async stop() {
          const closed = new Promise((resolve) => server.close(resolve))
          for (const socket of upgraded) socket.destroy()
          server.closeAllConnections()
          await closed
        },
      }
    },
  }
}

const secureOptions = ({ key, certificate, clientCa }: TlsMaterial) =>
  ({ key, cert: certificate, ca: clientCa, requestCert: true, rejectUnauthorized: false, minVersion: 'TLSv1.2' as const })

/** The server forgets a connection once it is upgraded. */
function trackUpgraded(server: Server): Set<Duplex> {
  const sockets = new Set<Duplex>()
  server.on('upgrade', (_request: IncomingMessage, socket: Duplex) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  return sockets
}

async function answer(options: EndpointsOptions, request: IncomingMessage, response: ServerResponse): Promise<void> {
  try {
    const { route, params, query } = await admit(options, request)
    if (!('serve' in route)) throw new EndpointError(400, 'Upgrade request required')
    await route.serve({ request, response, params, query, context: options.context })
  } catch (error) {
    const { status, message } = describe(options, request, error)
    if (response.headersSent) return void response.destroy()
    response.writeHead(status, { 'Content-Type': 'text/plain; charset=utf-8' }).end(message)
  }
}

async function answerUpgrade(options: EndpointsOptions, request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
  socket.on('error', () => {})
  try {
    const { route, params, query } = await admit(options, request)
    if (!('upgrade' in route)) throw new EndpointError(400, 'this path does not upgrade')
    await route.upgrade({ request, socket, head, params, query, context: options.context })
  } catch (error) {
    const { status, message } = describe(options, request, error)
    refuseUpgrade(socket, status, message)
  }
}

async function admit({ access }: EndpointsOptions, request: IncomingMessage) {
  const url = new URL(request.url ?? '/', 'https://node')
  const user = await access.authenticate(credentialsOf(request))
  if (!user) throw new EndpointError(401, 'Unauthorized')
  const [verb, subresources] = [verbOf(request.method), subresourcesOf(url.pathname)]
  if (!(await access.authorize({ user, verb, path: url.pathname, subresources }))) {
    throw new EndpointError(403, `Forbidden (user=${user.name}, verb=${verb}, resource=nodes, subresource(s)=[${subresources.join(' ')}])\n`)
  }
  const found = matchRoute(url.pathname)
  if (!found) throw new EndpointError(404, '404 page not found\n')
  if (!found.route.methods.includes(request.method ?? '')) throw new EndpointError(405, '405: Method Not Allowed')
  return { ...found, query: url.searchParams }
}

function credentialsOf(request: IncomingMessage): EndpointCredentials {
  const socket = request.socket as TLSSocket
  const subject = socket.authorized ? socket.getPeerCertificate().subject : undefined
  const bearerToken = /^Bearer (\S+)$/i.exec(request.headers.authorization ?? '')?.[1]
  const organizations: unknown = subject?.O ?? []
  const certificate = subject?.CN ? { commonName: String(subject.CN), organizations: (Array.isArray(organizations) ? organizations : [organizations]) as string[] } : undefined
  return { ...(bearerToken ? { bearerToken } : {}), ...(certificate ? { certificate } : {}) }
}

function describe({ context }: EndpointsOptions, request: IncomingMessage, error: unknown): { status: number; message: string } {
  if (error instanceof EndpointError) return { status: error.status, message: error.message }
  const message = error instanceof Error ? error.message : String(error)
  if ((error as NodeJS.ErrnoException).code !== 'ERR_STREAM_PREMATURE_CLOSE') context.log.warn('a request to the kubelet failed', { path: request.url?.split('?')[0], error })
  return { status: 500, message }
}
