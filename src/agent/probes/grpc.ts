// The health protocol of gRPC (source: grpc.health.v1) over Node's own HTTP/2: one message each way does not need a gRPC library.
import { connect } from 'node:http2'
import type { Outcome } from './outcome.ts'

interface GrpcHealth {
  host: string
  port: number
  service: string
  signal: AbortSignal
  timeoutSeconds: number
}

const serving = 1
const unimplemented = '12'
const statusNames = ['UNKNOWN', 'SERVING', 'NOT_SERVING', 'SERVICE_UNKNOWN']

/** Never rejects. */
export function checkGrpcHealth({ host, port, service, signal, timeoutSeconds }: GrpcHealth): Promise<Outcome> {
  const address = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
  return new Promise((resolve) => {
    const session = connect(`http://${address}`)
    const finish = (result: Outcome['result'], output: string) => {
      signal.removeEventListener('abort', abort)
      session.destroy()
      resolve({ result, output })
    }
    const abort = () => finish('failure', `timeout: failed to connect service ${JSON.stringify(address)} within ${timeoutSeconds}s: context deadline exceeded`)
    signal.addEventListener('abort', abort, { once: true })
    session.on('error', (error) => finish('failure', `error: failed to connect service ${JSON.stringify(address)}: ${error.message}`))
    const stream = session.request({
      ':method': 'POST', ':path': '/grpc.health.v1.Health/Check', 'content-type': 'application/grpc', te: 'trailers', 'user-agent': 'kube-probe/1.36',
    })
    const chunks: Buffer[] = []
    let code: string | undefined
    let detail = ''
    const readTrailers = (headers: Record<string, unknown>) => {
      code = (headers['grpc-status'] as string | undefined) ?? code
      detail = (headers['grpc-message'] as string | undefined) ?? detail
    }
    stream.on('response', readTrailers)
    stream.on('trailers', readTrailers)
    stream.on('data', (chunk: Buffer) => chunks.push(chunk))
    stream.on('error', (error) => finish('failure', `error: health rpc failed: ${error.message}`))
    stream.on('end', () => {
      if (code === unimplemented) return finish('failure', `error: this server does not implement the grpc health protocol (grpc.health.v1.Health): ${detail}`)
      if (code !== undefined && code !== '0') return finish('failure', `error: health rpc failed: rpc error: code = ${code} desc = ${detail}`)
      const status = readStatus(Buffer.concat(chunks))
      if (status === serving) return finish('success', 'service healthy')
      return finish('failure', `service unhealthy (responded with ${JSON.stringify(statusNames[status] ?? String(status))})`)
    })
    stream.end(frame(service))
  })
}

/** A message with field 1 as a string, in a frame of five more bytes. */
function frame(service: string): Buffer {
  const name = Buffer.from(service)
  const length = name.length < 128 ? Buffer.from([name.length]) : Buffer.from([(name.length & 127) | 128, name.length >> 7])
  const message = name.length === 0 ? Buffer.alloc(0) : Buffer.concat([Buffer.from([0x0a]), length, name])
  const head = Buffer.alloc(5)
  head.writeUInt32BE(message.length, 1)
  return Buffer.concat([head, message])
}

/** Field 1 as a number; absent is 0. */
const readStatus = (answer: Buffer): number => (answer.length >= 7 && answer[5] === 0x08 ? answer[6]! : 0)
