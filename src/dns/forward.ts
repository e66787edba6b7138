// Queries that the cluster cannot answer go to the servers of a resolv.conf file, which is read again when it has changed (DHCP).
import { createSocket } from 'node:dgram'
import { readFileSync, statSync } from 'node:fs'
import { connect, isIP } from 'node:net'

interface ForwarderOptions {
  resolvConf: string
  /** Never asked: a loop. */
  ownAddresses: readonly string[]
  /** Of one attempt. */
  timeoutMilliseconds: number
  port?: number
}

export function createForwarder(options: ForwarderOptions): (query: Buffer, transport: 'udp' | 'tcp') => Promise<Buffer> {
  let modified = NaN
  let servers: string[] = []
  const current = () => {
    const now = modificationTime(options.resolvConf)
    if (now !== modified) {
      modified = now
      servers = now === -1 ? [] : parseNameservers(readFileSync(options.resolvConf, 'utf8')).filter((s) => !options.ownAddresses.includes(s))
    }
    return servers
  }
  return async (query, transport) => {
    const attempt = transport === 'udp' ? askUdp : askTcp
    let last: unknown = new Error('no name server is configured')
    for (const server of current()) {
      try {
        return await attempt(query, server, options)
      } catch (error) {
        last = error
      }
    }
    throw last
  }
}

function modificationTime(path: string): number {
  try {
    return statSync(path).mtimeMs
  } catch {
    return -1
  }
}

const parseNameservers = (resolvConf: string): string[] =>
  [...resolvConf.matchAll(/^\s*nameserver\s+(\S+)/gm)].map((match) => match[1]!).filter((address) => isIP(address.split('%')[0]!))

function askUdp(query: Buffer, server: string, { timeoutMilliseconds, port = 53 }: ForwarderOptions): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const socket = createSocket(isIP(server) === 6 ? 'udp6' : 'udp4')
    const end = (result: Buffer | Error) => {
      clearTimeout(timer)
      socket.close()
      if (result instanceof Error) reject(result)
      else resolve(result)
    }
    const timer = setTimeout(() => end(new Error(`${server} does not answer`)), timeoutMilliseconds)
    socket.once('error', end)
    socket.on('message', (message) => {
      if (message.length >= 12 && message.readUInt16BE(0) === query.readUInt16BE(0)) end(message)
    })
    // connected: answers from anyone else are dropped by the kernel, and a refusal is an error at once
    socket.connect(port, server, () => socket.send(query))
  })
}

function askTcp(query: Buffer, server: string, { timeoutMilliseconds, port = 53 }: ForwarderOptions): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: server, port })
    let received = Buffer.alloc(0)
    const end = (result: Buffer | Error) => {
      clearTimeout(timer)
      socket.destroy()
      if (result instanceof Error) reject(result)
      else resolve(result)
    }
    const timer = setTimeout(() => end(new Error(`${server} does not answer`)), timeoutMilliseconds)
    socket.once('error', end).once('close', () => end(new Error(`${server} closed the connection`)))
    socket.once('connect', () => socket.write(withLength(query)))
    socket.on('data', (chunk: Buffer) => {
      received = Buffer.concat([received, chunk])
      if (received.length >= 2 && received.length >= 2 + received.readUInt16BE(0)) end(received.subarray(2, 2 + received.readUInt16BE(0)))
    })
  })
}

/** As DNS over TCP frames a message. */
export function withLength(message: Buffer): Buffer {
  const length = Buffer.alloc(2)
  length.writeUInt16BE(message.length)
  return Buffer.concat([length, message])
}
