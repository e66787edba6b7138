// Whether something accepts connections on a port.
import { connect } from 'node:net'

/** Rejects with Go's wording of why not. */
export function connectTcp(host: string, port: number, signal: AbortSignal): Promise<void> {
  const address = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port })
    const abort = () => {
      socket.destroy()
      reject(new Error(`dial tcp ${address}: i/o timeout`))
    }
    signal.addEventListener('abort', abort, { once: true })
    const finish = (error?: NodeJS.ErrnoException) => {
      signal.removeEventListener('abort', abort)
      socket.destroy()
      if (error) reject(new Error(`dial tcp ${address}: ${wording(error)}`))
      else resolve()
    }
    socket.once('connect', () => finish())
    socket.once('error', finish)
  })
}

function wording({ code, message }: NodeJS.ErrnoException): string {
  const known: Record<string, string> = {
    ECONNREFUSED: 'connect: connection refused', EHOSTUNREACH: 'connect: no route to host', ENETUNREACH: 'connect: network is unreachable', ETIMEDOUT: 'i/o timeout',
    ECONNRESET: 'connect: connection reset by peer',
  }
  return known[code ?? ''] ?? message
}
