// Every open connection, so that a stop can end them.
import type { Http2SecureServer, ServerHttp2Session } from 'node:http2'
import type { Socket } from 'node:net'

interface Connections {
  close(deadline: AbortSignal): Promise<void>
}

export function openConnections(server: Http2SecureServer): Connections {
  const sessions = new Set<ServerHttp2Session>()
  const sockets = new Set<Socket>()
  server.on('session', (session) => {
    sessions.add(session)
    session.on('close', () => sessions.delete(session))
  })
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
  })
  return {
    close: (deadline) => new Promise((resolve) => {
      const cut = () => {
        for (const socket of sockets) socket.destroy()
      }
      server.close(() => (deadline.removeEventListener('abort', cut), resolve()))
      // GOAWAY: streams that are open may end.
      for (const session of sessions) session.close()
      if ('closeIdleConnections' in server) (server as { closeIdleConnections(): void }).closeIdleConnections()
      if (deadline.aborted) cut()
      else deadline.addEventListener('abort', cut, { once: true })
    }),
  }
}
