// What makes the server's machine a node of its cluster: agent, pod network, service proxy, cluster DNS.
import type { Node, Taint } from '../api/generated/types.ts'
import { nodes } from '../api/refs.ts'
import { apiServerUser, nodeUser, serviceAccountUser, type Attributes, type UserInfo } from '../api/user.ts'
import { createAgent, type Agent } from '../agent/index.ts'
import { kubeletEndpoints } from '../agent/endpoints/server.ts'
import { bytesQuantity } from '../agent/eviction/thresholds.ts'
import type { KubeletSettings } from '../agent/settings/settings.ts'
import { sleep, type Clock } from '../base/clock.ts'
import { inParallel, inSequence } from '../base/compose.ts'
import type { Component } from '../base/component.ts'
import type { Logger } from '../base/logger.ts'
import { buildId, gitVersion } from '../base/version.ts'
import type { Informer } from '../client/informer.ts'
import { createPodNetwork } from '../cni/index.ts'
import type { NodeAddresses, ServerConfig } from '../config/server-config.ts'
import { createDns, withoutDns } from '../dns/index.ts'
import { deleteFlowsTo } from '../netfilter/conntrack.ts'
import { createNetworkGuard } from '../netfilter/guard.ts'
import { createIptables } from '../netfilter/iptables.ts'
import type { ServerPki } from '../pki/server-pki.ts'
import { createProxy } from '../proxy/index.ts'
import { findCniPlugins } from '../runtime/containerd/host.ts'
import { ownCommand } from './assets.ts'
import { createGate, openedWithin } from './boot-order.ts'
import { withInformers, type ControlPlane } from './control-plane.ts'
import { ensureDnsService } from './dns-service.ts'
import { isMachineStopping, isOurs } from './machine.ts'
import { podBridge } from './names.ts'
import { openNodeRuntime } from './node-runtime.ts'
import type { NodeAddress } from './node-address.ts'
import type { Paths } from './paths.ts'
import { dnsPort, kubeletPort } from './ports.ts'

interface NodeOptions {
  config: ServerConfig
  settings: KubeletSettings
  address: NodeAddress
  paths: Paths
  plane: ControlPlane
  clock: Clock
  log: Logger
}

/** So long containers wait for service rules and cluster DNS. */
const servicesMilliseconds = 60_000

const proxyUser: UserInfo = { name: 'system:kube-proxy', groups: ['system:authenticated'] }

interface NodeParts {
  readonly components: readonly Component[]
  /** The node has another address. */
  follow(before: NodeAddresses): Promise<void>
}

export function nodeComponents(options: NodeOptions): NodeParts {
  const { config, settings, address, paths, plane, clock } = options
  let started: Agent | undefined
  const iptables = createIptables()
  const guard = createNetworkGuard({ iptables, clock, log: options.log.with({ component: 'network' }) })
  const network = {} as { gateway(): string }
  const networkReady = createGate('pod network is ready')
  const servicesReady = createGate('services are ready')

  const agent: Component = {
    name: 'agent',
    async start(signal) {
      const log = options.log.with({ component: 'agent' })
      const user = nodeUser(config.nodeName)
      const runtime = await openNodeRuntime(config, paths.containerd, log)
      const informers = plane.informersFor(user)
      const made = createAgent({
        client: plane.clientFor(user), informers, runtime, nodeName: config.nodeName, nodeIps: () => [address.current().nodeIp], nodeLabels: labelsOf(config.nodeLabel), nodeTaints: config.nodeTaint.map(taintOf), settings,
        directories: { root: paths.kubelet, podLogs: paths.podLogs, containerLogs: paths.containerLogs }, cgroupParent: paths.cgroupParent || undefined,
        clusterDns: [config.clusterDns], clusterDomain: config.clusterDomain, resolvConf: config.resolvConf, port: kubeletPort, version: gitVersion, clock, log,
        networkReady: networkReady.opened, servicesReady: openedWithin(servicesReady, servicesMilliseconds, { clock, log }),
      })
      const endpoints = kubeletEndpoints({
        address: '', port: kubeletPort, tls: () => kubeletTls(plane.pki), access: access(plane, config.nodeName),
        context: { nodeName: config.nodeName, pods: made.lookup, runtime, clock, log, configuration: () => kubeletConfiguration(config, settings) },
      })
      const running = await made.start(signal)
      started = made
      const listening = await endpoints.start(signal).catch(async (error: NodeJS.ErrnoException) => {
        await running.stop(AbortSignal.timeout(1000))
        throw error.code === 'EADDRINUSE' ? new Error(`port ${kubeletPort} is taken by another program: is another Kubernetes running on this machine?`) : error
      })
      return {
        failed: Promise.race([running.failed, listening.failed]),
        async stop(deadline) {
          await listening.stop(deadline)
          await running.stop(deadline)
          await informers.stop()
          await runtime.close()
        },
      }
    },
  }

  const podNetwork: Component = {
    name: 'pod network',
    async start(signal) {
      const informers = plane.informersFor(apiServerUser)
      const made = createPodNetwork({
        podCidr: (aborted) => podCidrOf(informers.informer<Node>(nodes, { fieldSelector: `metadata.name=${config.nodeName}` }), aborted),
        clusterCidr: config.clusterCidr, serviceCidr: config.serviceCidr, bridge: podBridge, mtu: address.mtu, configurationDirectory: paths.containerd.cniConfig, addressDirectory: paths.cniAddresses, parametersFile: paths.kernelParameters, iptables, guard,
        hostPorts: () => started?.hostPorts() ?? [], plugins: findCniPlugins, log: options.log.with({ component: 'network' }),
      })
      network.gateway = made.gateway
      return withInformers(made, informers).start(signal)
    },
  }

  const proxy: Component = {
    name: 'proxy',
    start(signal) {
      const informers = plane.informersFor(proxyUser)
      const made = createProxy({ informers, iptables, guard, nodeName: config.nodeName, clusterCidr: config.clusterCidr, serviceCidr: config.serviceCidr, clock, log: options.log.with({ component: 'proxy' }) })
      return withInformers(made, informers).start(signal)
    },
  }

  const dns: Component = {
    name: 'dns',
    async start(signal) {
      const address = network.gateway()
      const informers = plane.informersFor(serviceAccountUser('kube-system', 'coredns'))
      const made = createDns({
        settings: { address, port: dnsPort, clusterDomain: config.clusterDomain, resolvConf: config.resolvConf, serviceAddress: config.clusterDns },
        informers, directory: paths.dns, cgroup: paths.containerd.cgroup, command: ownCommand(), build: buildId, clock, log: options.log.with({ component: 'dns' }),
      })
      return withInformers(made, informers).start(signal)
    },
  }

  /** The last to start, so the first to stop: pods end while everything they may need still works. */
  const machineEnd: Component = {
    name: 'end of the machine',
    start: async () => ({
      failed: new Promise(() => {}),
      async stop() {
        if (!(await isMachineStopping())) return
        options.log.info('the machine goes down: pods end')
        await started?.endPods()
      },
    }),
  }

  const dnsService: Component = {
    name: 'dns service',
    async start() {
      await ensureDnsService(plane.clientFor(apiServerUser), { clusterIp: config.clusterDns, endpoint: network.gateway(), nodeName: config.nodeName })
      return { failed: new Promise(() => {}), stop: async () => {} }
    },
  }

  const networkThenDns = inSequence('pod network and DNS', [podNetwork, networkReady.component, ...(config.disable.includes('coredns') ? [withoutDns(paths.dns)] : [dnsService, dns])])

  return {
    components: [agent, inParallel('pod network, DNS and proxy', [networkThenDns, proxy]), servicesReady.component, guard, machineEnd],
    async follow(before) {
      started?.addressesChanged()
      for (const gone of new Set([before.nodeIp, before.advertiseAddress])) if (!(await isOurs(gone))) await forgetFlowsTo(gone)
    },
  }

  /** Not before the service rules lead elsewhere: what is forgotten sooner is led to the old address again. */
  async function forgetFlowsTo(gone: string): Promise<void> {
    for (let tries = 0; tries < 60 && (await iptables.save('nat')).includes(`--to-destination ${gone}:`); tries++) await sleep(clock, 500)
    await deleteFlowsTo(gone)
  }
}

function podCidrOf(own: Informer<Node>, signal: AbortSignal): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  const unsubscribe = own.onChange((_before, now) => now?.spec?.podCIDR && resolve(now.spec.podCIDR))
  signal.addEventListener('abort', () => reject(signal.reason), { once: true })
  return promise.finally(unsubscribe)
}

const kubeletTls = ({ kubelet, serverCa, clientCa }: ServerPki) => ({ key: kubelet.serving.key, certificate: kubelet.serving.certificate + serverCa.chain, clientCa: clientCa.trust })

/** The server's own node asks the server's own authentication and authorization. */
function access(plane: ControlPlane, nodeName: string): Parameters<typeof kubeletEndpoints>[0]['access'] {
  return {
    async authenticate({ bearerToken, certificate }) {
      if (certificate) return { name: certificate.commonName, groups: [...certificate.organizations, 'system:authenticated'] }
      if (!bearerToken) return undefined
      return plane.security.createAuthentication(plane.api.reader).authenticate({ headers: { authorization: `Bearer ${bearerToken}` } }).catch(() => undefined)
    },
    async authorize({ user, verb, path, subresources }) {
      const attributes = (subresource: string): Attributes => ({ user, verb, path, isResourceRequest: true, group: '', version: 'v1', resource: 'nodes', subresource, namespace: '', name: nodeName })
      return subresources.some((subresource) => plane.api.authorizer.authorize(attributes(subresource)).verdict === 'allow')
    },
  }
}

const labelsOf = (labels: readonly string[]): Record<string, string> => Object.fromEntries(labels.map((label) => label.split(/=(.*)/s, 2) as [string, string]))

function taintOf(text: string): Taint {
  const [, key = '', value, effect = ''] = /^([^=:]+)(?:=([^:]*))?:(.+)$/.exec(text) ?? []
  return { key, effect, ...(value ? { value } : {}) }
}

/** What /configz shows. */
const kubeletConfiguration = (config: ServerConfig, { maxPods, logs, images }: KubeletSettings) => ({
  kind: 'KubeletConfiguration', apiVersion: 'kubelet.config.k8s.io/v1beta1', clusterDNS: [config.clusterDns], clusterDomain: config.clusterDomain, maxPods,
  containerLogMaxSize: bytesQuantity(logs.maxBytes).toString(), containerLogMaxFiles: logs.maxFiles, imageGCHighThresholdPercent: images.highPercent, imageGCLowThresholdPercent: images.lowPercent,
})
