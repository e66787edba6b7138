// Requests of probes and hooks: no certificate is checked, redirects are followed on the same host only (source: k8s.io/kubernetes pkg/probe/http).
import http from 'node:http'
import https from 'node:https'
import type { Container, HTTPGetAction } from '../../api/generated/types.ts'

interface HttpTarget {
  url: URL
  headers: Record<string, string>
}

interface HttpAnswer {
  status: number
  body: string
  /** It led to another host and was not followed. */
  redirectedAway: boolean
}

const limits = { body: 10 * 1024, redirects: 10 }

/** @throws Error for a port name that the container does not have. */
export function portNumber(port: number | string, container: Container): number {
  if (typeof port === 'number') return checked(port)
  const named = container.ports?.find((p) => p.name === port)
  if (named) return checked(named.containerPort)
  if (!/^\d+$/.test(port)) throw new Error(`couldn't find port: ${JSON.stringify(port)} in container ${container.name}`)
  return checked(Number(port))
}

function checked(port: number): number {
  if (port > 0 && port < 65536) return port
  throw new Error(`invalid port number: ${port}`)
}

/** @throws Error as `portNumber`. */
export function httpTarget(action: HTTPGetAction, container: Container, podIp: string, userAgent: string): HttpTarget {
  const host = action.host || podIp
  const scheme = (action.scheme ?? 'HTTP').toLowerCase()
  const path = action.path ?? ''
  const port = portNumber(action.port as number | string, container)
  const url = new URL(`${scheme}://${host.includes(':') ? `[${host}]` : host}:${port}/${path.replace(/^\//, '')}`)
  const headers: Record<string, string> = { 'User-Agent': userAgent, Accept: '*/*' }
  for (const { name, value } of action.httpHeaders ?? []) {
    const same = Object.keys(headers).find((key) => key.toLowerCase() === name.toLowerCase())
    if (same) delete headers[same]
    if (value !== '' || name.toLowerCase() !== 'accept') headers[name] = value
  }
  return { url, headers }
}

/** Rejects when no answer came, with Go's wording of why. */
export async function requestHttp({ url, headers, signal }: HttpTarget & { signal: AbortSignal }): Promise<HttpAnswer> {
  let at = url
  for (let hop = 0; hop <= limits.redirects; hop++) {
    const answer = await once(at, headers, signal)
    if (!answer.location || answer.status < 300 || answer.status > 399) return { ...answer, redirectedAway: false }
    const next = new URL(answer.location, at)
    if (next.hostname !== url.hostname) return { ...answer, redirectedAway: true }
    at = next
  }
  throw new Error(`Get ${JSON.stringify(at.href)}: stopped after 10 redirects`)
}

function once(url: URL, headers: Record<string, string>, signal: AbortSignal): Promise<{ status: number; body: string; location?: string }> {
  return new Promise((resolve, reject) => {
    const fail = (error: NodeJS.ErrnoException) => reject(new Error(`Get ${JSON.stringify(url.href)}: ${goWording(error, url)}`))
    const options = { agent: false, headers: { ...headers, Connection: 'close' }, signal }
    const request = url.protocol === 'https:' ? https.request(url, { ...options, rejectUnauthorized: false }) : http.request(url, options)
    request.on('error', fail)
    request.on('response', (response) => {
      const chunks: Buffer[] = []
      let size = 0
      const finish = () => resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString('utf8'), location: response.headers.location })
      response.on('data', (chunk: Buffer) => {
        chunks.push(chunk.subarray(0, limits.body - size))
        size += chunk.length
        if (size >= limits.body) (finish(), response.destroy())
      })
      response.on('end', finish)
      response.on('error', fail)
    })
    request.end()
  })
}

function goWording(error: NodeJS.ErrnoException, { hostname, port, protocol }: URL): string {
  const address = `${hostname}:${port || (protocol === 'https:' ? 443 : 80)}`
  switch (error.code) {
    case 'ABORT_ERR':
      return 'context deadline exceeded (Client.Timeout exceeded while awaiting headers)'
    case 'ECONNREFUSED':
      return `dial tcp ${address}: connect: connection refused`
    case 'EHOSTUNREACH':
      return `dial tcp ${address}: connect: no route to host`
    case 'ENETUNREACH':
      return `dial tcp ${address}: connect: network is unreachable`
    case 'ECONNRESET':
      return error.message === 'socket hang up' ? 'EOF' : `read tcp ${address}: read: connection reset by peer`
    case 'EPROTO':
      return 'http: server gave HTTP response to HTTPS client'
    default:
      return error.message
  }
}
