// pods/proxy, services/proxy and nodes/proxy: any method, the path behind it, upgrades too
// (source: k8s.io/apimachinery/pkg/util/proxy/upgradeaware.go).
import type { IncomingMessage } from 'node:http'
import { BlockList, isIP } from 'node:net'
import { promisify } from 'node:util'
import { gunzip } from 'node:zlib'
import type { ApiRequest, ApiResponse } from '../../api/exchange.ts'
import type { Service } from '../../api/generated/types.ts'
import type { Stored } from '../../api/object.ts'
import { endpoints, pods, services } from '../../api/refs.ts'
import { badRequestError, notFoundError, unavailableError } from '../../api/status-error.ts'
import type { SubresourceCall, SubresourceHandler } from '../subresources/handler.ts'
import { answerHeaders, bodyOf, forward, forwardableHeaders, readUpTo, streamAnswer } from './forward.ts'
import { authority, kubeletTarget, type KubeletAccess, type Target } from './kubelet.ts'
import { podOf } from './pod-target.ts'
import { rewriteHtml, rewriteUrl, type Mount } from './rewrite.ts'
import { tunnel } from './tunnel.ts'

const methods = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS'] as const
const largestPage = 32 * 1024 * 1024

export type Random = (bound: number) => number

export const podProxyHandler = (): SubresourceHandler => proxyHandler('PodProxyOptions', podTarget)
export const serviceProxyHandler = (random: Random): SubresourceHandler => proxyHandler('ServiceProxyOptions', (call) => serviceTarget(call, random))
export const nodeProxyHandler = (access: KubeletAccess): SubresourceHandler => proxyHandler('NodeProxyOptions', (call) => nodeTarget(call, access))

function proxyHandler(kind: string, targetOf: (call: SubresourceCall) => Target): SubresourceHandler {
  const prepare = async (call: SubresourceCall) => {
    const target = targetOf(call)
    await call.admit('CONNECT')
    return { target, path: `/${call.rest ?? ''}${queryOf(call.request)}` }
  }
  return {
    methods,
    kind: { group: '', version: 'v1', kind },
    async handle(call) {
      const { target, path } = await prepare(call)
      const { method } = call.request
      if (call.rest === undefined && (method === 'GET' || method === 'HEAD')) return redirect(`${call.request.path}/${queryOf(call.request)}`)
      return handOn(call.request, target, path, prefixOf(call))
    },
    async upgrade(call, connection) {
      const { target, path } = await prepare(call)
      await tunnel(target, path, connection)
    },
  }
}

const queryOf = ({ query }: ApiRequest) => (query.size > 0 ? `?${query}` : '')
const redirect = (location: string): ApiResponse => ({ status: 301, headers: { location }, body: { kind: 'bytes', bytes: Buffer.alloc(0) } })

/** The path up to `proxy`. */
const prefixOf = ({ request, rest }: SubresourceCall) => (rest === undefined ? request.path : request.path.slice(0, request.path.length - rest.length)).replace(/\/+$/, '')

async function handOn(request: ApiRequest, target: Target, path: string, prefix: string): Promise<ApiResponse> {
  const host = request.headers.host ?? request.headers[':authority'] ?? ''
  const mount = { prefix, backendHost: authority(target), requestHost: host }
  const headers = { ...forwardableHeaders(request.headers), 'x-forwarded-uri': request.path, ...(host ? { host } : {}) }
  const response = await forward(target, { method: request.method, path, headers, body: bodyOf(request), signal: request.signal }).catch((error: Error) => {
    throw unavailableError(`error trying to reach service: ${error.message.replace(/^.*?": /, '')}`)
  })
  return rewritten(response, mount)
}

async function rewritten(response: IncomingMessage, mount: Mount): Promise<ApiResponse> {
  const headers = answerHeaders(response.headers)
  if (typeof headers.location === 'string') {
    headers.location = rewriteUrl(headers.location, mount)
    return streamAnswer(response, headers)
  }
  const encoding = response.headers['content-encoding'] ?? ''
  if (!/^text\/html\s*(;|$)/i.test(response.headers['content-type'] ?? '') || !['', 'gzip'].includes(encoding)) return streamAnswer(response, headers)
  const body = await readUpTo(response, largestPage)
  const page = rewriteHtml((encoding === 'gzip' && body.length > 0 ? await promisify(gunzip)(body) : body).toString(), mount)
  delete headers['content-encoding']
  delete headers['content-length']
  return { status: response.statusCode ?? 502, headers, body: { kind: 'bytes', bytes: Buffer.from(page) } }
}

/** `name`, `name:port` or `scheme:name:port`. */
export function splitName(id: string): { secure: boolean; name: string; port: string } | undefined {
  const parts = id.split(':')
  const [scheme, name, port] = parts.length === 1 ? ['', parts[0]!, ''] : parts.length === 2 ? ['', parts[0]!, parts[1]!] : [parts[0]!, parts[1] ?? '', parts[2] ?? '']
  if (parts.length > 3 || name === '' || !['', 'http', 'https'].includes(scheme)) return undefined
  return { secure: scheme === 'https', name, port }
}

function split(call: SubresourceCall, kind: string) {
  const found = splitName(call.attributes.name)
  if (!found) throw badRequestError(`invalid ${kind} request ${JSON.stringify(call.attributes.name)}`)
  return found
}

const insecureTls = { rejectUnauthorized: false }
const targetAt = (secure: boolean, host: string, port: number): Target => ({ secure, host, port, ...(secure ? { tls: insecureTls } : {}) })

function podTarget(call: SubresourceCall): Target {
  const { secure, name, port } = split(call, 'pod')
  const pod = podOf(call, name)
  const declared = pod.spec?.containers.flatMap((container) => container.ports ?? [])[0]?.containerPort
  const host = pod.status?.podIPs?.[0]?.ip ?? pod.status?.podIP ?? ''
  if (!isAllowed(host)) throw badRequestError('address not allowed')
  return targetAt(secure, host, port === '' ? (declared ?? (secure ? 443 : 80)) : portNumber(port))
}

function portNumber(text: string): number {
  const port = Number(text)
  if (!Number.isInteger(port) || port < 1 || port > 65535) throw badRequestError(`invalid port ${JSON.stringify(text)}`)
  return port
}

function serviceTarget(call: SubresourceCall, random: Random): Target {
  const { secure, name, port } = split(call, 'service')
  const { namespace } = call.attributes
  const service = call.reader.get(services, name, namespace)
  if (!service) throw notFoundError({ group: '', resource: 'services' }, name)
  const portName = /^[+-]?\d+$/.test(port) ? nameOfPort(service, Number(port)) : port
  const found = call.reader.get(endpoints, name, namespace)
  if (!found) throw notFoundError({ group: '', resource: 'endpoints' }, name)
  const candidates = (found.subsets ?? []).flatMap(({ addresses = [], ports = [] }) => {
    const match = ports.find((candidate) => (candidate.name ?? '') === portName)
    return match ? addresses.filter((address) => isPodsAddress(call, address)).map(({ ip }) => targetAt(secure, ip, match.port)) : []
  })
  if (candidates.length === 0) throw unavailableError(`no endpoints available for service ${JSON.stringify(found.subsets?.length ? call.attributes.name : name)}`)
  return candidates[random(candidates.length)]!
}

function nameOfPort({ metadata, spec }: Stored<Service>, number: number): string {
  const found = spec?.ports?.find(({ port }) => port === number)
  if (!found) throw unavailableError(`no service port ${number} found for service ${JSON.stringify(metadata.name)}`)
  return found.name ?? ''
}

/** Only what belongs to a pod of the namespace: an Endpoints object must not lead anywhere else. */
function isPodsAddress({ reader, attributes }: SubresourceCall, { ip, targetRef }: { ip: string; targetRef?: { name?: string; namespace?: string } }): boolean {
  if (!targetRef?.name || targetRef.namespace !== attributes.namespace) return false
  const pod = reader.get(pods, targetRef.name, targetRef.namespace)
  return pod?.status?.podIPs?.some((address) => address.ip === ip) ?? false
}

function nodeTarget(call: SubresourceCall, access: KubeletAccess): Target {
  const { secure, name, port } = split(call, 'node')
  const kubelet = kubeletTarget(call.reader, name, access)
  if (port === '' || Number(port) === kubelet.port) return kubelet
  if (!isAllowed(kubelet.host)) throw badRequestError('address not allowed')
  return targetAt(secure, kubelet.host, portNumber(port))
}

const local = new BlockList()
for (const [network, prefix] of [['127.0.0.0', 8], ['169.254.0.0', 16], ['224.0.0.0', 4], ['0.0.0.0', 32], ['255.255.255.255', 32]] as const) local.addSubnet(network, prefix, 'ipv4')
for (const [network, prefix] of [['::', 128], ['::1', 128], ['fe80::', 10], ['ff00::', 8]] as const) local.addSubnet(network, prefix, 'ipv6')

/** A global unicast address: the server's own loopback services are not for its users. */
function isAllowed(host: string): boolean {
  const family = isIP(host)
  return family !== 0 && !local.check(host, family === 6 ? 'ipv6' : 'ipv4')
}
