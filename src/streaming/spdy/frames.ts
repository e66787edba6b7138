// Frames of SPDY/3.1 (source: draft-mbelshe-httpbis-spdy-00, 2.2 and 2.6). Settings and window updates are read over: neither side of the
// Kubernetes streaming protocols keeps SPDY's flow control.

const flagFin = 1

export type Frame =
  | { type: 'data'; streamId: number; fin: boolean; data: Buffer }
  | { type: 'open'; streamId: number; fin: boolean; block: Buffer }
  | { type: 'reply' | 'headers'; streamId: number; fin: boolean; block: Buffer }
  | { type: 'reset'; streamId: number; status: number }
  | { type: 'ping'; id: number }
  | { type: 'goaway' }

const kinds = { open: 1, reply: 2, reset: 3, ping: 6, goaway: 7, headers: 8 } as const
export const statusCodes = { protocolError: 1, refused: 3, cancel: 5 } as const

const control = (kind: number, flags: number, payload: Buffer): Buffer => {
  const head = Buffer.alloc(8)
  head.writeUInt16BE(0x8003, 0)
  head.writeUInt16BE(kind, 2)
  head.writeUInt8(flags, 4)
  head.writeUIntBE(payload.length, 5, 3)
  return Buffer.concat([head, payload])
}

const uint32s = (...values: number[]): Buffer => {
  const out = Buffer.alloc(values.length * 4)
  values.forEach((value, i) => out.writeUInt32BE(value, i * 4))
  return out
}

export const openFrame = (streamId: number, block: Buffer, fin: boolean) => control(kinds.open, fin ? flagFin : 0, Buffer.concat([uint32s(streamId, 0), Buffer.alloc(2), block]))
export const replyFrame = (streamId: number, block: Buffer) => control(kinds.reply, 0, Buffer.concat([uint32s(streamId), block]))
export const resetFrame = (streamId: number, status: number) => control(kinds.reset, 0, uint32s(streamId, status))
export const pingFrame = (id: number) => control(kinds.ping, 0, uint32s(id))
export const goAwayFrame = (lastStreamId: number) => control(kinds.goaway, 0, uint32s(lastStreamId, 0))

/** Of a data frame; `length` bytes follow, less than 2^24. */
export function dataHead(streamId: number, length: number, fin: boolean): Buffer {
  const head = Buffer.alloc(8)
  head.writeUInt32BE(streamId, 0)
  head.writeUInt8(fin ? flagFin : 0, 4)
  head.writeUIntBE(length, 5, 3)
  return head
}

/** Takes bytes as they come and yields whole frames. Frames of other types are left out. */
export function createFrameParser(): (chunk: Buffer) => Generator<Frame> {
  let held: Buffer[] = []
  let size = 0
  let needed = 8
  return function* parse(chunk) {
    held.push(chunk)
    size += chunk.length
    if (size < needed) return
    let rest = held.length === 1 ? chunk : Buffer.concat(held, size)
    needed = 8
    while (rest.length >= 8) {
      const length = 8 + rest.readUIntBE(5, 3)
      if (rest.length < length) {
        needed = length
        break
      }
      const frame = parseFrame(rest.subarray(0, 8), rest.subarray(8, length))
      rest = rest.subarray(length)
      if (frame) yield frame
    }
    held = rest.length > 0 ? [rest] : []
    size = rest.length
  }
}

function parseFrame(head: Buffer, payload: Buffer): Frame | undefined {
  const fin = (head.readUInt8(4) & flagFin) !== 0
  if (head.readUInt8(0) < 0x80) return { type: 'data', streamId: head.readUInt32BE(0), fin, data: payload }
  if (head.readUInt16BE(0) !== 0x8003) throw new Error(`SPDY: version ${head.readUInt16BE(0) & 0x7fff} is not spoken here`)
  const id = () => payload.readUInt32BE(0) & 0x7fffffff
  switch (head.readUInt16BE(2)) {
    case kinds.open:
      return { type: 'open', streamId: id(), fin, block: payload.subarray(10) }
    case kinds.reply:
      return { type: 'reply', streamId: id(), fin, block: payload.subarray(4) }
    case kinds.headers:
      return { type: 'headers', streamId: id(), fin, block: payload.subarray(4) }
    case kinds.reset:
      return { type: 'reset', streamId: id(), status: payload.readUInt32BE(4) }
    case kinds.ping:
      return { type: 'ping', id: payload.readUInt32BE(0) }
    case kinds.goaway:
      return { type: 'goaway' }
    default:
      return undefined
  }
}
