// One exec or attach as its server sees it, whichever protocol the client speaks.
import type { IncomingMessage } from 'node:http'
import type { Duplex, Readable, Writable } from 'node:stream'
import { isWebSocketRequest } from '../http-upgrade.ts'
import type { CommandOptions, Outcome, TerminalSize } from './protocol.ts'
import { acceptSpdySession } from './spdy-session.ts'

export interface RemoteSession {
  stdin?: Readable
  stdout?: Writable
  stderr?: Writable
  /** Calls back with each new size of the client's terminal, the one it has now first. */
  onResize(listener: (size: TerminalSize) => void): void
  /** Tells how the command ended and closes. Output must have been written before. */
  finish(outcome: Outcome): Promise<void>
  /** Resolves when the client has gone. */
  readonly closed: Promise<void>
}

/** Undefined when the client could not be served: it has been told why. */
export async function acceptRemoteSession(request: IncomingMessage, socket: Duplex, head: Buffer, options: CommandOptions): Promise<RemoteSession | undefined> {
  if (!isWebSocketRequest(request)) return acceptSpdySession(request, socket, head, options)
  const { acceptWebSocketSession } = await import('./websocket-session.ts')
  return acceptWebSocketSession(request, socket, head, options)
}

/** Keeps the last size for a listener that comes late. */
export function createSizes(): { announce(size: TerminalSize): void; onResize: RemoteSession['onResize'] } {
  let last: TerminalSize | undefined
  let listener: ((size: TerminalSize) => void) | undefined
  return {
    announce(size) {
      last = size
      listener?.(size)
    },
    onResize(given) {
      listener = given
      if (last) given(last)
    },
  }
}
