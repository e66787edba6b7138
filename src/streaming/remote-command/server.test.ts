import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer, text } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import { afterEach, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { dialSpdy } from '../spdy/upgrade.ts'
import { openRemoteProcess } from './client.ts'
import { spdyProtocols, type CommandOptions } from './protocol.ts'
import { acceptRemoteSession } from './server.ts'
import type { RemoteSession } from './session.ts'

const everything: CommandOptions = { stdin: true, stdout: true, stderr: true, tty: false }
let server: Server | undefined
afterEach(() => (server?.closeAllConnections(), server?.close()))

/** `serve` plays the part of the command. */
async function listen(options: CommandOptions, serve: (session: RemoteSession) => Promise<void>): Promise<string> {
  server = createServer()
  server.on('upgrade', (request, socket, head) => void acceptRemoteSession(request, socket, head, options).then((session) => session && serve(session)))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return `127.0.0.1:${(server.address() as AddressInfo).port}/exec`
}

async function echo(session: RemoteSession): Promise<void> {
  await pipeline(session.stdin!, session.stdout!, { end: false })
  await session.finish({ exitCode: 7 })
}

describe('over SPDY', () => {
  it('carries input, output, half-close and the exit code', async () => {
    const address = await listen(everything, echo)
    const { connection, protocol } = await dialSpdy(`http://${address}`, { protocols: spdyProtocols })
    expect(protocol).toBe('v4.channel.k8s.io')
    const process = openRemoteProcess(connection, everything)
    const content = randomBytes(4 << 20)
    process.stdin!.end(content)
    const output = await buffer(process.stdout!)
    expect(createHash('sha256').update(output).digest('hex')).toBe(createHash('sha256').update(content).digest('hex'))
    expect(await process.exit).toBe(7)
  })

  it('says why a command could not be run', async () => {
    const address = await listen(everything, (session) => session.finish({ error: 'error executing command in container: no such file' }))
    const { connection } = await dialSpdy(`http://${address}`, { protocols: spdyProtocols })
    await expect(openRemoteProcess(connection, everything).exit).rejects.toThrow('Internal error occurred: error executing command in container: no such file')
  })

  it('carries the size of the terminal', async () => {
    const options = { stdin: true, stdout: true, stderr: false, tty: true }
    const address = await listen(options, async (session) => {
      const size = await new Promise((resolve) => session.onResize(resolve))
      session.stdout!.write(JSON.stringify(size))
      await session.finish({ exitCode: 0 })
    })
    const { connection } = await dialSpdy(`http://${address}`, { protocols: spdyProtocols })
    const process = openRemoteProcess(connection, options)
    process.resize({ width: 120, height: 40 })
    expect(await text(process.stdout!)).toBe('{"width":120,"height":40}')
    expect(await process.exit).toBe(0)
  })

  it('refuses a protocol it does not know', async () => {
    const address = await listen(everything, echo)
    await expect(dialSpdy(`http://${address}`, { protocols: ['v9.channel.k8s.io'] })).rejects.toThrow('unable to negotiate protocol')
  })
})

describe('over a WebSocket', () => {
  async function converse(address: string, protocol: string, messages: (Buffer | string)[]) {
    const ws = new WebSocket(`ws://${address}`, protocol)
    const received: Buffer[] = []
    ws.on('message', (message: Buffer) => received.push(message))
    await once(ws, 'open')
    for (const message of messages) ws.send(message)
    await once(ws, 'close')
    return { received, protocol: ws.protocol }
  }
  const onChannel = (messages: Buffer[], channel: number) => Buffer.concat(messages.filter((m) => m[0] === channel).map((m) => m.subarray(1))).toString()

  it('ends input by the close signal of version 5', async () => {
    const address = await listen(everything, echo)
    const { received, protocol } = await converse(address, 'v5.channel.k8s.io', [Buffer.from('\0hello'), Buffer.from([255, 0])])
    expect(protocol).toBe('v5.channel.k8s.io')
    expect(onChannel(received, 1)).toBe('hello')
    expect(JSON.parse(onChannel(received, 3))).toMatchObject({ status: 'Failure', reason: 'NonZeroExitCode', details: { causes: [{ reason: 'ExitCode', message: '7' }] } })
  })

  it('speaks base64 to browsers of old', async () => {
    const address = await listen(everything, async (session) => {
      const [first] = (await once(session.stdin!, 'data')) as [Buffer]
      session.stdout!.write(first)
      await session.finish({ exitCode: 0 })
    })
    const { received } = await converse(address, 'base64.channel.k8s.io', [`0${Buffer.from('hello').toString('base64')}`])
    expect(received.map(String).filter((message) => message.length > 1)).toEqual([`1${Buffer.from('hello').toString('base64')}`])
  })

  it('carries the size of the terminal', async () => {
    const address = await listen({ ...everything, stderr: false, tty: true }, async (session) => {
      const size = await new Promise((resolve) => session.onResize(resolve))
      session.stdout!.write(JSON.stringify(size))
      await session.finish({ exitCode: 0 })
    })
    const { received } = await converse(address, 'v5.channel.k8s.io', [Buffer.from('\x04{"Width":80,"Height":24}')])
    expect(onChannel(received, 1)).toBe('{"width":80,"height":24}')
    expect(JSON.parse(onChannel(received, 3))).toEqual({ status: 'Success' })
  })
})
