// pods/log: the kubelet's answer, passed on (source: k8s.io/kubernetes/pkg/registry/core/pod/rest/log.go).
import type { IncomingMessage } from 'node:http'
import { Readable } from 'node:stream'
import type { ApiResponse } from '../../api/exchange.ts'
import { forbidden, invalid, notSupported, type FieldError } from '../../api/field-error.ts'
import { StatusError, badRequestError, internalError, invalidError } from '../../api/status-error.ts'
import type { SubresourceCall, SubresourceHandler } from '../subresources/handler.ts'
import { forward, readUpTo, streamAnswer } from './forward.ts'
import { kubeletTarget, type KubeletAccess } from './kubelet.ts'
import { containerOf, flag, podOf } from './pod-target.ts'

const longestMessage = 50_000

export const logHandler = (access: KubeletAccess): SubresourceHandler => ({
  methods: ['GET', 'HEAD'],
  async handle(call) {
    const log = await openLog(call, access)
    const plain = { 'content-type': 'text/plain' }
    return log ? (streamAnswer(log, plain) satisfies ApiResponse) : { status: 200, headers: plain, body: { kind: 'bytes', bytes: Buffer.alloc(0) } }
  },
  async upgrade(call, connection) {
    const log = await openLog(call, access)
    const { sendOverWebSocket } = await import('../../streaming/websocket/reader.ts')
    await sendOverWebSocket(connection, log ?? Readable.from([]))
  },
})

/** Undefined for a pod that was not assigned: it has written nothing. */
async function openLog(call: SubresourceCall, access: KubeletAccess): Promise<IncomingMessage | undefined> {
  const { query, signal } = call.request
  const params = parseLogQuery(query, call.attributes.name)
  const pod = podOf(call)
  const container = containerOf(pod, query.get('container') ?? '')
  if (!pod.spec?.nodeName) return undefined
  const kubelet = kubeletTarget(call.reader, pod.spec.nodeName, access)
  const target = flag(query, 'insecureSkipTLSVerifyBackend') ? { ...kubelet, tls: { ...kubelet.tls, rejectUnauthorized: false } } : kubelet
  const path = `/containerLogs/${pod.metadata.namespace}/${pod.metadata.name}/${container}?${params}`
  const response = await forward(target, { method: 'GET', path, headers: {}, signal }).catch((error: Error) => {
    throw new StatusError(500, '', error.message)
  })
  if (response.statusCode !== 200) throw await refused(response, call)
  return response
}

/** @throws StatusError 400 for what is not a number, 422 for what is not allowed. */
function parseLogQuery(query: URLSearchParams, name: string): URLSearchParams {
  const number = (field: string) => {
    const text = query.get(field)
    if (text === null || text === '') return undefined
    if (!/^[+-]?\d+$/.test(text)) throw badRequestError(`strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax`)
    return Number(text)
  }
  const numbers = { tailLines: number('tailLines'), limitBytes: number('limitBytes'), sinceSeconds: number('sinceSeconds') }
  const sinceTime = query.get('sinceTime') ?? ''
  const stream = query.get('stream') || 'All'
  const errors = checkLogOptions({ ...numbers, sinceTime, stream })
  if (errors.length > 0) throw invalidError({ group: '', kind: 'PodLogOptions' }, name, errors)
  const params = new URLSearchParams()
  for (const field of ['follow', 'previous', 'timestamps']) if (flag(query, field)) params.set(field, 'true')
  for (const [field, value] of Object.entries(numbers)) if (value !== undefined) params.set(field, String(value))
  if (sinceTime) params.set('sinceTime', sinceTime)
  params.set('stream', stream)
  return params
}

function checkLogOptions(options: { tailLines?: number; limitBytes?: number; sinceSeconds?: number; sinceTime: string; stream: string }): FieldError[] {
  const { tailLines, limitBytes, sinceSeconds, sinceTime, stream } = options
  const errors: FieldError[] = []
  if (tailLines !== undefined && tailLines < 0) errors.push(invalid('tailLines', tailLines, 'must be greater than or equal to 0'))
  if (limitBytes !== undefined && limitBytes < 1) errors.push(invalid('limitBytes', limitBytes, 'must be greater than 0'))
  if (sinceSeconds !== undefined && sinceTime) errors.push(forbidden('', 'at most one of `sinceTime` or `sinceSeconds` may be specified'))
  else if (sinceSeconds !== undefined && sinceSeconds < 1) errors.push(invalid('sinceSeconds', sinceSeconds, 'must be greater than 0'))
  if (!['All', 'Stdout', 'Stderr'].includes(stream)) errors.push(notSupported('stream', stream, ['All', 'Stderr', 'Stdout']))
  else if (stream !== 'All' && tailLines !== undefined) errors.push(forbidden('', '`tailLines` and specific `stream` are mutually exclusive for now'))
  return errors
}

/** The kubelet's refusal as a Status. */
async function refused(response: IncomingMessage, { attributes }: SubresourceCall): Promise<StatusError> {
  const body = (await readUpTo(response, longestMessage)).toString()
  const code = response.statusCode ?? 500
  if (code === 500) return internalError(body)
  if (code === 400) return badRequestError(body)
  const about = `( pods/log ${attributes.name})`
  const details = { name: attributes.name, kind: 'pods/log', causes: [{ reason: 'UnexpectedServerResponse', message: body }] }
  if (code === 404) return new StatusError(404, 'NotFound', `the server could not find the requested resource ${about}`, details)
  return new StatusError(code, code === 403 ? 'Forbidden' : code === 401 ? 'Unauthorized' : '', `the server responded with the status code ${code} but did not return more information ${about}`, details)
}
