import { STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'
import type { ApiResponse } from '../../api/exchange.ts'

/** An ordinary answer to a request that wanted to leave HTTP. */
export function refuseUpgrade(socket: Duplex, { status, headers, body }: ApiResponse): void {
  const bytes = body.kind === 'bytes' ? body.bytes : Buffer.alloc(0)
  const lines = Object.entries(headers).flatMap(([name, value]) => [value].flat().map((one) => `${name}: ${one}`))
  const head = [`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`, ...lines, `content-length: ${bytes.length}`, 'connection: close', '', '']
  socket.end(Buffer.concat([Buffer.from(head.join('\r\n'), 'latin1'), bytes]))
}
