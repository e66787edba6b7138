// A connection that leaves HTTP, passed through to where it is served: the request goes on with the same upgrade headers, and from then on bytes
// are copied. What the other end answers, 101 or an error, is the answer.
import type { IncomingMessage } from 'node:http'
import { connect as connectTcp } from 'node:net'
import type { Duplex } from 'node:stream'
import { connect as connectTls } from 'node:tls'
import { StatusError } from '../../api/status-error.ts'
import { copyBothWays } from '../../streaming/copy-both-ways.ts'
import type { UpgradedConnection } from '../subresources/handler.ts'
import { authority, type Target } from './kubelet.ts'

const dialTimeout = 30_000
const dropped = /^(host|authorization|impersonate-.*|content-length|transfer-encoding)$/i

/** @throws StatusError 500 while nothing has been written; returns when the connection has ended. */
export async function tunnel(target: Target, path: string, { socket, head, message }: UpgradedConnection): Promise<void> {
  const backend = await dial(target)
  backend.write(requestHead(message, path, authority(target)))
  if (head.length > 0) backend.write(head)
  await copyBothWays(socket, backend).catch(() => undefined)
}

function requestHead({ method, rawHeaders }: IncomingMessage, path: string, host: string): string {
  const pairs = Array.from({ length: rawHeaders.length / 2 }, (_, i) => [rawHeaders[i * 2]!, rawHeaders[i * 2 + 1]!] as const)
  const kept = pairs.filter(([name]) => !dropped.test(name)).map(([name, value]) => [name, withoutToken(name, value)] as const)
  const lines = kept.filter(([, value]) => value !== '').map(([name, value]) => `${name}: ${value}\r\n`)
  return `${method} ${path} HTTP/1.1\r\nHost: ${host}\r\n${lines.join('')}\r\n`
}

/** Browsers put their bearer token among the WebSocket protocols; it is meant for the API server alone. */
function withoutToken(name: string, value: string): string {
  if (name.toLowerCase() !== 'sec-websocket-protocol') return value
  return value.split(',').map((protocol) => protocol.trim()).filter((protocol) => !protocol.startsWith('base64url.bearer.authorization.k8s.io.')).join(', ')
}

function dial({ secure, host, port, tls }: Target): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    const opened = secure ? connectTls({ ...tls, host, port, ALPNProtocols: ['http/1.1'] }) : connectTcp({ host, port, allowHalfOpen: true })
    opened.setNoDelay(true)
    const fail = (why: string) => (opened.destroy(), reject(new StatusError(500, '', `error dialing backend: ${why}`)))
    const onError = (error: NodeJS.ErrnoException) => fail(error.code === 'ECONNREFUSED' ? `dial tcp ${host}:${port}: connect: connection refused` : error.message)
    opened.setTimeout(dialTimeout, () => fail(`dial tcp ${host}:${port}: i/o timeout`))
    opened.once('error', onError)
    opened.once(secure ? 'secureConnect' : 'connect', () => {
      opened.setTimeout(0)
      opened.off('error', onError)
      resolve(opened)
    })
  })
}
