// One exec or attach as its server sees it, whichever protocol the client speaks.
import type { Readable, Writable } from 'node:stream'
import type { Outcome, TerminalSize } from './protocol.ts'

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
