// Exec and attach as their server sees them: the client's protocol chooses the session (source: k8s.io/cri-streaming/pkg/streaming/remotecommand).
import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { isWebSocketRequest } from '../http-upgrade.ts'
import type { CommandOptions } from './protocol.ts'
import type { RemoteSession } from './session.ts'
import { acceptSpdySession } from './spdy-session.ts'

/** Undefined when the client could not be served: it has been told why. */
export async function acceptRemoteSession(request: IncomingMessage, socket: Duplex, head: Buffer, options: CommandOptions): Promise<RemoteSession | undefined> {
  if (!isWebSocketRequest(request)) return acceptSpdySession(request, socket, head, options)
  const { acceptWebSocketSession } = await import('./websocket-session.ts')
  return acceptWebSocketSession(request, socket, head, options)
}
