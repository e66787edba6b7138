// The client's side of exec and attach over SPDY, protocol version 4: what a container runtime's streaming server speaks.
import type { Readable, Writable } from 'node:stream'
import type { SpdyConnection, SpdyStream } from '../spdy/connection.ts'
import { parseOutcome, renderSize, type CommandOptions, type TerminalSize } from './protocol.ts'

interface RemoteProcess {
  stdin?: Writable
  stdout?: Readable
  stderr?: Readable
  resize(size: TerminalSize): void
  /** The exit code. Output may still be on its way out of `stdout`: read it to its end. Rejects when the command could not be run. */
  readonly exit: Promise<number>
  close(): void
}

export function openRemoteProcess(connection: SpdyConnection, { stdin, stdout, stderr, tty }: CommandOptions): RemoteProcess {
  const open = (streamType: string) => quiet(connection.open({ streamtype: streamType }))
  const errors = open('error')
  errors.end()
  const streams = {
    ...(stdin ? { stdin: open('stdin') } : {}), ...(stdout ? { stdout: open('stdout') } : {}), ...(stderr && !tty ? { stderr: open('stderr') } : {}),
  }
  const sizes = tty ? open('resize') : undefined
  const exit = readOutcome(errors, connection)
  exit.catch(() => {})
  return { ...streams, resize: (size) => void sizes?.write(renderSize(size)), exit, close: () => connection.close() }
}

async function readOutcome(errors: SpdyStream, connection: SpdyConnection): Promise<number> {
  const chunks: Buffer[] = []
  for await (const chunk of errors as AsyncIterable<Buffer>) chunks.push(chunk)
  if (chunks.length === 0) await connection.closed
  const outcome = parseOutcome(Buffer.concat(chunks).toString())
  if ('error' in outcome) throw new Error(outcome.error)
  return outcome.exitCode
}

/** A peer that goes away mid-write is seen by `exit`; nobody else needs to hear of it. */
function quiet(stream: SpdyStream): SpdyStream {
  stream.on('error', () => {})
  return stream
}
