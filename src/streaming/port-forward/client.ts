// The client's side of port forwarding over SPDY: one connection, one port.
import { Duplex } from 'node:stream'
import type { SpdyConnection } from '../spdy/connection.ts'

/** A duplex that is destroyed with the server's message when the server reports an error, and takes the connection with it when it closes. */
export function openForwardedPort(connection: SpdyConnection, port: number): Duplex {
  const headers = { port: String(port), requestid: '0' }
  const errors = connection.open({ ...headers, streamtype: 'error' })
  const data = connection.open({ ...headers, streamtype: 'data' })
  for (const stream of [errors, data]) stream.on('error', () => {})
  errors.end()
  void readText(errors).then((text) => text !== '' && data.destroy(new Error(text)))
  data.once('close', () => connection.close())
  return data
}

async function readText(stream: Duplex): Promise<string> {
  const chunks: Buffer[] = []
  try {
    for await (const chunk of stream as AsyncIterable<Buffer>) chunks.push(chunk)
  } catch {
    // What has come is what there is to tell.
  }
  return Buffer.concat(chunks).toString()
}
