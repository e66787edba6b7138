// Exec and attach over SPDY: the client opens one stream for each of error, stdin, stdout, stderr, resize
// (source: k8s.io/cri-streaming/pkg/streaming/remotecommand/httpstream.go).
import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import type { SpdyStream } from '../spdy/connection.ts'
import { acceptSpdy } from '../spdy/upgrade.ts'
import { outcomeText, parseSize, renderOutcome, spdyProtocols, type CommandOptions } from './protocol.ts'
import { createSizes, type RemoteSession } from './session.ts'

const creationTimeout = 30_000

export async function acceptSpdySession(request: IncomingMessage, socket: Duplex, head: Buffer, options: CommandOptions): Promise<RemoteSession | undefined> {
  const streams = new Map<string, SpdyStream>()
  let arrived = () => {}
  const accepted = acceptSpdy(request, socket, head, spdyProtocols, (stream) => {
    stream.on('error', () => {})
    streams.set(stream.headers.streamtype ?? '', stream)
    arrived()
  })
  if (!accepted) return undefined
  const { connection } = accepted
  const protocol = accepted.protocol || 'channel.k8s.io'
  const expected = expectedStreams(options, protocol)
  const complete = new Promise<boolean>((resolve) => {
    const timer = setTimeout(() => resolve(false), creationTimeout)
    arrived = () => void (expected.every((type) => streams.has(type)) && (clearTimeout(timer), resolve(true)))
    void connection.closed.then(() => (clearTimeout(timer), resolve(false)))
    arrived()
  })
  if (!(await complete)) return void connection.close()

  const sizes = createSizes()
  streams.get('resize')?.on('data', sizeReader(sizes.announce))
  const [stdin, stdout, stderr] = [streams.get('stdin'), streams.get('stdout'), streams.get('stderr')]
  return {
    ...(stdin ? { stdin } : {}), ...(stdout ? { stdout } : {}), ...(stderr ? { stderr } : {}), onResize: sizes.onResize, closed: connection.closed,
    async finish(outcome) {
      const text = protocol === 'v4.channel.k8s.io' ? renderOutcome(outcome) : outcomeText(outcome)
      await Promise.all([ended(stdout), ended(stderr)])
      await ended(streams.get('error'), text)
      connection.close()
    },
  }
}

function expectedStreams({ stdin, stdout, stderr, tty }: CommandOptions, protocol: string): string[] {
  const resizes = tty && (protocol === 'v4.channel.k8s.io' || protocol === 'v3.channel.k8s.io')
  return ['error', ...(stdin ? ['stdin'] : []), ...(stdout ? ['stdout'] : []), ...(stderr ? ['stderr'] : []), ...(resizes ? ['resize'] : [])]
}

/** Documents follow each other and may be cut anywhere. */
function sizeReader(announce: Parameters<RemoteSession['onResize']>[0]): (chunk: Buffer) => void {
  let held = ''
  return (chunk) => {
    held += chunk.toString()
    for (let end = held.indexOf('}'); end >= 0; end = held.indexOf('}')) {
      const size = parseSize(held.slice(0, end + 1))
      held = held.slice(end + 1)
      if (size) announce(size)
    }
  }
}

function ended(stream: SpdyStream | undefined, text = ''): Promise<void> {
  return new Promise((resolve) => {
    if (!stream || stream.destroyed || stream.writableFinished) return resolve()
    stream.once('close', () => resolve())
    stream.end(text, () => resolve())
  })
}
