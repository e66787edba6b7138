import { createServer, connect, type AddressInfo, type Socket } from 'node:net'
import { once } from 'node:events'
import { createHash, randomBytes } from 'node:crypto'
import { Readable } from 'node:stream'
import { buffer, text } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import { createDeflate, constants } from 'node:zlib'
import { afterEach, describe, expect, it } from 'vitest'
import { openSpdyConnection, type SpdyConnection, type SpdyStream } from './connection.ts'
import { createFrameParser, dataHead, openFrame, pingFrame } from './frames.ts'
import { createHeaderReader, createHeaderWriter, dictionary } from './header-block.ts'

const cleanups: (() => void)[] = []
afterEach(() => cleanups.splice(0).forEach((clean) => clean()))

async function socketPair(): Promise<[Socket, Socket]> {
  const server = createServer({ allowHalfOpen: true }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const arrived = once(server, 'connection')
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1')
  const [accepted] = (await arrived) as [Socket]
  cleanups.push(() => (client.destroy(), accepted.destroy(), server.close()))
  return [client, accepted]
}

async function connected(onStream: (stream: SpdyStream) => void): Promise<{ client: SpdyConnection; server: SpdyConnection }> {
  const [near, far] = await socketPair()
  return { client: openSpdyConnection(near, { role: 'client' }), server: openSpdyConnection(far, { role: 'server', onStream }) }
}

describe('header blocks', () => {
  it('start from the dictionary of SPDY/3', () => {
    let [a, b] = [1, 0]
    for (const byte of dictionary) [a, b] = [(a + byte) % 65521, (b + a + byte) % 65521]
    expect((b * 65536 + a).toString(16)).toBe('e3c6a7c2')
  })

  it('are read as deflate with the dictionary writes them, one stream through all blocks', async () => {
    const deflate = createDeflate({ dictionary, flush: constants.Z_SYNC_FLUSH })
    const reader = createHeaderReader()
    const blocks = [{ streamtype: 'stdin' }, { port: '80', streamtype: 'data' }].map((headers) => {
      const parts = Object.entries(headers).flat()
      const out = Buffer.alloc(4 + parts.reduce((sum, part) => sum + 4 + part.length, 0))
      let at = out.writeUInt32BE(parts.length / 2)
      for (const part of parts) at = out.writeUInt32BE(part.length, at) + out.write(part, at + 4)
      return { headers, out }
    })
    for (const { headers, out } of blocks) {
      deflate.write(out)
      const [compressed] = (await once(deflate, 'data')) as [Buffer]
      expect({ ...(await reader.read(compressed)) }).toEqual(headers)
    }
    reader.close()
  })

  it('are read as we write them', async () => {
    const write = createHeaderWriter()
    const reader = createHeaderReader()
    const maps: Record<string, string>[] = [{ streamtype: 'error' }, {}, { long: 'x'.repeat(70_000), 'ünï': 'çödé' }]
    for (const headers of maps) expect({ ...(await reader.read(write(headers))) }).toEqual(headers)
    reader.close()
  })
})

describe('frames', () => {
  it('have the layout of the specification', () => {
    expect(pingFrame(7).toString('hex')).toBe('8003000600000004' + '00000007')
    expect(dataHead(5, 3, true).toString('hex')).toBe('0000000501000003')
    expect(openFrame(1, Buffer.from('abcd', 'hex'), false).toString('hex')).toBe('800300010000000c' + '00000001' + '00000000' + '0000' + 'abcd')
  })

  it('are found wherever the bytes are cut', () => {
    const wire = Buffer.concat([openFrame(1, Buffer.from('block'), false), dataHead(1, 4, false), Buffer.from('data'), pingFrame(1)])
    const parse = createFrameParser()
    const frames = [...wire].flatMap((byte) => [...parse(Buffer.from([byte]))])
    expect(frames.map(({ type }) => type)).toEqual(['open', 'data', 'ping'])
  })
})

describe('a connection', () => {
  it('carries streams both ways with half-close', async () => {
    const { client } = await connected((stream) => {
      stream.on('data', (question: Buffer) => stream.write(`${question}, `))
      stream.on('end', () => stream.end(`${stream.headers.name}!`))
    })
    const streams = ['ann', 'bob'].map((name) => client.open({ name }))
    for (const stream of streams) stream.end('hello')
    expect(await Promise.all(streams.map(text))).toEqual(['hello, ann!', 'hello, bob!'])
  })

  it('moves a lot of data intact and does not buffer what nobody reads', async () => {
    const [near, far] = await socketPair()
    const client = openSpdyConnection(near, { role: 'client' })
    const incoming = Promise.withResolvers<SpdyStream>()
    openSpdyConnection(far, { role: 'server', onStream: (stream) => incoming.resolve(stream) })
    const block = randomBytes(1 << 20)
    const sent = createHash('sha256')
    const stream = client.open({})
    const writing = pipeline(Readable.from((function* () {
      for (let i = 0; i < 48; i++) {
        sent.update(block)
        yield block
      }
    })()), stream)
    const receiver = await incoming.promise
    // Nobody reads yet: the sender must come to a halt long before the end.
    while (!near.writableNeedDrain) await new Promise(setImmediate)
    expect(receiver.readableLength).toBeLessThan(8 << 20)
    const received = createHash('sha256')
    for await (const chunk of receiver as AsyncIterable<Buffer>) received.update(chunk)
    await writing
    expect(received.digest('hex')).toBe(sent.digest('hex'))
  })

  it('refuses a stream its owner does not want', async () => {
    const { client } = await connected(() => {
      throw new Error('no')
    })
    await expect(client.open({}).accepted).rejects.toThrow('refused')
  })

  it('ends streams when the other side is gone', async () => {
    const { client, server } = await connected((stream) => void stream.write('last words'))
    const stream = client.open({})
    await once(stream, 'readable')
    server.close()
    expect((await buffer(stream)).toString()).toBe('last words')
    await client.closed
  })
})
