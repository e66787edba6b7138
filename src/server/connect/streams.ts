// pods/exec, pods/attach and pods/portforward: streams passed through to the kubelet, which speaks SPDY and WebSocket itself
// (source: k8s.io/kubernetes/pkg/registry/core/pod/rest/subresources.go).
import { badRequestError, forbiddenError } from '../../api/status-error.ts'
import type { Authorizer } from '../authorization/authorizer.ts'
import type { SubresourceCall, SubresourceHandler } from '../subresources/handler.ts'
import { kubeletTarget, type KubeletAccess } from './kubelet.ts'
import { containerOf, flag, hostOf, podOf } from './pod-target.ts'
import { tunnel } from './tunnel.ts'

interface StreamDependencies {
  access: KubeletAccess
  authorizer: Authorizer
}

export const execHandler = (parts: StreamDependencies): SubresourceHandler => streamHandler(parts, 'PodExecOptions', (call) => {
  const params = streamParams(call.request.query)
  for (const word of call.request.query.getAll('command')) params.append('command', word)
  return containerPath(call, 'exec', params)
})

export const attachHandler = (parts: StreamDependencies): SubresourceHandler =>
  streamHandler(parts, 'PodAttachOptions', (call) => containerPath(call, 'attach', streamParams(call.request.query)))

export const portForwardHandler = (parts: StreamDependencies): SubresourceHandler => streamHandler(parts, 'PodPortForwardOptions', (call) => {
  const pod = podOf(call)
  const ports = call.request.query.getAll('ports')
  return `/portForward/${pod.metadata.namespace}/${pod.metadata.name}${ports.length > 0 ? `?${new URLSearchParams({ port: ports.join(',') })}` : ''}`
})

function streamHandler({ access, authorizer }: StreamDependencies, kind: string, pathOf: (call: SubresourceCall) => string): SubresourceHandler {
  const check = async (call: SubresourceCall) => {
    ensureMayCreate(authorizer, call)
    const pod = podOf(call)
    const path = pathOf(call)
    const node = hostOf(pod)
    await call.admit('CONNECT')
    return { path, target: kubeletTarget(call.reader, node, access) }
  }
  return {
    methods: ['GET', 'POST'],
    kind: { group: '', version: 'v1', kind },
    async handle(call) {
      await check(call)
      throw badRequestError('Upgrade request required')
    },
    async upgrade(call, connection) {
      const { path, target } = await check(call)
      await tunnel(target, path, connection)
    },
  }
}

/** A browser can only GET: what `get` allows must not be enough to run commands. */
function ensureMayCreate(authorizer: Authorizer, { attributes }: SubresourceCall): void {
  if (attributes.verb === 'create') return
  const { verdict, reason } = authorizer.authorize({ ...attributes, verb: 'create' })
  if (verdict !== 'allow') throw forbiddenError({ group: attributes.group, resource: attributes.resource }, attributes.name, reason)
}

function containerPath(call: SubresourceCall, verb: string, params: URLSearchParams): string {
  const pod = podOf(call)
  const container = containerOf(pod, call.request.query.get('container') ?? '')
  return `/${verb}/${pod.metadata.namespace}/${pod.metadata.name}/${container}?${params}`
}

/** The kubelet has its own names for them. */
function streamParams(query: URLSearchParams): URLSearchParams {
  const params = new URLSearchParams()
  const names = { stdin: 'input', stdout: 'output', stderr: 'error', tty: 'tty' }
  for (const [name, kubeletName] of Object.entries(names)) if (flag(query, name)) params.set(kubeletName, '1')
  return params
}
