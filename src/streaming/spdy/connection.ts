// A SPDY/3.1 connection over any duplex stream, in either role. A stream that is not read holds up the connection (the protocol as spoken by
// Kubernetes has no flow control of its own), so that nothing is buffered without bound.
import { once } from 'node:events'
import { Duplex } from 'node:stream'
import { createFrameParser, dataHead, goAwayFrame, openFrame, pingFrame, replyFrame, resetFrame, statusCodes, type Frame } from './frames.ts'
import { createHeaderReader, createHeaderWriter, type HeaderMap } from './header-block.ts'

export interface SpdyStream extends Duplex {
  readonly id: number
  /** As given by the side that opened it; names in lower case. */
  readonly headers: HeaderMap
  /** Resolves when the other side has accepted the stream; at once for streams it opened. */
  readonly accepted: Promise<void>
}

export interface SpdyConnection {
  open(headers: HeaderMap): SpdyStream
  /** Says that no more will come, sends what is buffered and closes. */
  close(): void
  readonly closed: Promise<void>
}

interface SpdyOptions {
  role: 'client' | 'server'
  /** Bytes that came with the upgrade. */
  head?: Buffer
  /** A stream the other side opened. It has been accepted. Throwing refuses it. */
  onStream?(stream: SpdyStream): void
}

const largestWrite = 1 << 20
const readBuffer = 256 * 1024

export function openSpdyConnection(socket: Duplex, { role, head, onStream }: SpdyOptions): SpdyConnection {
  const streams = new Map<number, Stream>()
  const writeHeaders = createHeaderWriter()
  const headerReader = createHeaderReader()
  const parse = createFrameParser()
  const closed = Promise.withResolvers<void>()
  let nextId = role === 'client' ? 1 : 2
  let lastSeen = 0

  const wire: Wire = {
    send(...buffers) {
      if (socket.destroyed || socket.writableEnded) return Promise.resolve()
      socket.cork()
      const flowing = buffers.map((buffer) => socket.write(buffer)).every(Boolean)
      socket.uncork()
      return flowing ? undefined : drained(socket)
    },
    forget: (id) => void streams.delete(id),
  }

  async function handle(frame: Frame): Promise<void> {
    if (frame.type === 'ping') return void (frame.id % 2 === (role === 'client' ? 0 : 1) && wire.send(pingFrame(frame.id)))
    if (frame.type === 'goaway') return
    if (frame.type === 'open') return accept(frame.streamId, await headerReader.read(frame.block), frame.fin)
    if (frame.type === 'reply' || frame.type === 'headers') await headerReader.read(frame.block)
    const stream = streams.get(frame.streamId)
    if (!stream) return
    if (frame.type === 'reset') return stream.resetByPeer()
    if (frame.type === 'reply') stream.replied()
    if (frame.type === 'data') await stream.receive(frame.data)
    if (frame.fin) stream.finByPeer()
  }

  function accept(id: number, headers: HeaderMap, fin: boolean): void {
    const stream = new Stream(id, headers, wire)
    lastSeen = Math.max(lastSeen, id)
    try {
      if (!onStream) throw new Error('no streams are expected')
      streams.set(id, stream)
      onStream(stream)
      stream.replied()
      void wire.send(replyFrame(id, writeHeaders({})))
      if (fin) stream.finByPeer()
    } catch {
      streams.delete(id)
      void wire.send(resetFrame(id, statusCodes.refused))
    }
  }

  async function readAll(): Promise<void> {
    try {
      if (head?.length) for (const frame of parse(head)) await handle(frame)
      for await (const chunk of socket as AsyncIterable<Buffer>) for (const frame of parse(chunk)) await handle(frame)
    } catch {
      // A broken connection and a broken peer end alike.
    } finally {
      for (const stream of [...streams.values()]) stream.resetByPeer()
      headerReader.close()
      socket.destroy()
      closed.resolve()
    }
  }

  socket.on('error', () => {})
  // What has arrived is still delivered; an owner that does not read learns here that nobody waits for it.
  socket.on('close', () => closed.resolve())
  void readAll()
  return {
    closed: closed.promise,
    open(headers) {
      const stream = new Stream(nextId, headers, wire)
      nextId += 2
      streams.set(stream.id, stream)
      void wire.send(openFrame(stream.id, writeHeaders(headers), false))
      return stream
    },
    close() {
      if (socket.destroyed || socket.writableEnded) return
      void wire.send(goAwayFrame(lastSeen))
      socket.end()
    },
  }
}

interface Wire {
  /** A promise when the other side is slow: wait for it before sending more. */
  send(...buffers: Buffer[]): Promise<void> | undefined
  forget(id: number): void
}

class Stream extends Duplex implements SpdyStream {
  readonly id: number
  readonly headers: HeaderMap
  readonly accepted: Promise<void>
  readonly #wire: Wire
  readonly #accepted = Promise.withResolvers<void>()
  #wantsMore: (() => void) | undefined
  #gone = false
  #hasEnded = false

  constructor(id: number, headers: HeaderMap, wire: Wire) {
    super({ allowHalfOpen: true, readableHighWaterMark: readBuffer })
    this.id = id
    this.headers = headers
    this.#wire = wire
    this.accepted = this.#accepted.promise
    this.accepted.catch(() => {})
  }

  replied(): void {
    this.#accepted.resolve()
  }

  async receive(data: Buffer): Promise<void> {
    if (data.length === 0 || this.#hasEnded || this.destroyed) return
    if (!this.push(data)) await new Promise<void>((resolve) => (this.#wantsMore = resolve))
  }

  finByPeer(): void {
    if (this.#hasEnded || this.destroyed) return
    this.#hasEnded = true
    this.push(null)
  }

  /** The other side neither reads nor writes any more: what we still write is dropped. */
  resetByPeer(): void {
    if (this.#gone) return
    this.#gone = true
    this.#wire.forget(this.id)
    this.#accepted.reject(new Error('the stream was refused'))
    this.finByPeer()
    this.#release()
  }

  override _read(): void {
    this.#release()
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    void this.#writeAll(chunk).then(done)
  }

  override _final(done: () => void): void {
    if (!this.#gone) void this.#wire.send(dataHead(this.id, 0, true))
    done()
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    if (!this.#gone && !(this.writableFinished && this.readableEnded)) void this.#wire.send(resetFrame(this.id, statusCodes.cancel))
    this.#gone = true
    this.#wire.forget(this.id)
    this.#accepted.reject(error ?? new Error('the stream was closed'))
    this.#release()
    done(error)
  }

  async #writeAll(chunk: Buffer): Promise<void> {
    for (let at = 0; at < chunk.length && !this.#gone; at += largestWrite) {
      const part = chunk.subarray(at, at + largestWrite)
      await this.#wire.send(dataHead(this.id, part.length, false), part)
    }
  }

  #release(): void {
    this.#wantsMore?.()
    this.#wantsMore = undefined
  }
}

async function drained(socket: Duplex): Promise<void> {
  if (socket.destroyed || !socket.writableNeedDrain) return
  const over = new AbortController()
  await Promise.race([once(socket, 'drain', { signal: over.signal }), once(socket, 'close', { signal: over.signal })]).catch(() => undefined)
  over.abort()
}
