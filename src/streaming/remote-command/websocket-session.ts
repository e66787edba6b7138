// Exec and attach over a WebSocket with channels 0 to 4: stdin, stdout, stderr, error, resize.
import type { IncomingMessage } from 'node:http'
import type { Duplex, Writable } from 'node:stream'
import { acceptWebSocket, openChannels } from '../websocket/channels.ts'
import { outcomeText, parseSize, renderOutcome, type CommandOptions } from './protocol.ts'
import { createSizes, type RemoteSession } from './session.ts'

const protocols = ['v5.channel.k8s.io', 'v4.channel.k8s.io', 'v4.base64.channel.k8s.io', 'channel.k8s.io', 'base64.channel.k8s.io', '']

export async function acceptWebSocketSession(request: IncomingMessage, socket: Duplex, head: Buffer, options: CommandOptions): Promise<RemoteSession | undefined> {
  const accepted = await acceptWebSocket(request, socket, head, protocols)
  if (!accepted) return undefined
  const { ws, protocol } = accepted
  const channels = openChannels(ws, { base64: protocol.includes('base64'), hasCloseSignal: protocol.startsWith('v5.') })
  const sizes = createSizes()
  channels.onMessage(4, (data) => {
    const size = parseSize(data.toString())
    if (size) sizes.announce(size)
  })
  const stdin = options.stdin ? channels.readable(0) : undefined
  const stdout = options.stdout ? channels.writable(1) : undefined
  const stderr = options.stderr ? channels.writable(2) : undefined
  const errors = channels.writable(3)
  // An empty message tells the client that the connection stands.
  ;(stdout ?? stderr ?? errors).write(Buffer.alloc(0))
  return {
    ...(stdin ? { stdin } : {}), ...(stdout ? { stdout } : {}), ...(stderr ? { stderr } : {}), onResize: sizes.onResize, closed: channels.closed,
    async finish(outcome) {
      const text = /^v[45]\./.test(protocol) ? renderOutcome(outcome) : outcomeText(outcome)
      await Promise.all([flushed(stdout), flushed(stderr)])
      if (text) await flushed(errors, text)
      channels.close()
    },
  }
}

const flushed = (stream: Writable | undefined, text = '') => new Promise<void>((resolve) => (stream && !stream.destroyed && !stream.writableEnded ? stream.end(text, () => resolve()) : resolve()))
