// The few bytes of HTTP/1.1 that answer an upgrade request on its bare socket.
import { STATUS_CODES, type IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'

export function switchProtocols(socket: Duplex, headers: Record<string, string>): void {
  socket.write(renderHead(101, headers))
}

/** Answers with an error and closes. `body` is text, or JSON when `contentType` says so. */
export function refuseUpgrade(socket: Duplex, status: number, body: string, contentType = 'text/plain; charset=utf-8'): void {
  if (socket.destroyed) return
  const bytes = Buffer.from(contentType.startsWith('text/') ? `${body}\n` : body)
  socket.on('error', () => {})
  socket.write(renderHead(status, { 'Content-Type': contentType, 'Content-Length': String(bytes.length), Connection: 'close' }))
  socket.end(bytes)
}

const renderHead = (status: number, headers: Record<string, string>) =>
  `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\n${Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`

export const isWebSocketRequest = (request: Pick<IncomingMessage, 'headers'>): boolean => /\bwebsocket\b/i.test(request.headers.upgrade ?? '')

/** The subprotocols a WebSocket client offers, in its order. */
export const offeredProtocols = (request: Pick<IncomingMessage, 'headers'>): string[] =>
  (request.headers['sec-websocket-protocol'] ?? '').split(',').map((name) => name.trim()).filter((name) => name !== '')
