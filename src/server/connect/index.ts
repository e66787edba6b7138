// Subresources that connect a client with what runs on a node.
import type { Authorizer } from '../authorization/authorizer.ts'
import type { SubresourceHandlers } from '../subresources/handler.ts'
import type { KubeletAccess } from './kubelet.ts'
import { logHandler } from './log.ts'
import { nodeProxyHandler, podProxyHandler, serviceProxyHandler, type Random } from './proxy.ts'
import { attachHandler, execHandler, portForwardHandler } from './streams.ts'

interface ConnectOptions {
  access: KubeletAccess
  authorizer: Authorizer
  random: Random
}

export const connectHandlers = ({ access, authorizer, random }: ConnectOptions): SubresourceHandlers => new Map([
  ['pods/log', logHandler(access)],
  ['pods/exec', execHandler({ access, authorizer })],
  ['pods/attach', attachHandler({ access, authorizer })],
  ['pods/portforward', portForwardHandler({ access, authorizer })],
  ['pods/proxy', podProxyHandler()],
  ['services/proxy', serviceProxyHandler(random)],
  ['nodes/proxy', nodeProxyHandler(access)],
])
