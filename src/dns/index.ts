// The cluster DNS as a component: answers for the cluster's zone from informers, forwards the rest.
import * as refs from '../api/refs.ts'
import type { EndpointSlice, Service } from '../api/generated/types.ts'
import type { Component } from '../base/component.ts'
import type { Logger } from '../base/logger.ts'
import type { InformerFactory } from '../client/informer.ts'
import { answer } from './answer.ts'
import { createForwarder } from './forward.ts'
import { listen } from './listen.ts'
import type { DnsWorld } from './records.ts'

interface DnsOptions {
  informers: InformerFactory
  /** Where it listens; UDP and TCP. */
  address: string
  port: number
  /** As in `cluster.local`. */
  clusterDomain: string
  resolvConf: string
  /** Never forwarded to: the address under which pods know this server. */
  serviceAddress: string
  log: Logger
}

const outsideTimeoutMilliseconds = 2000

export function createDns(options: DnsOptions): Component {
  return {
    name: 'dns',
    async start(signal) {
      const { world, synced } = watchWorld(options.informers, signal)
      await synced
      const forward = createForwarder({
        resolvConf: options.resolvConf, ownAddresses: [options.address, options.serviceAddress], timeoutMilliseconds: outsideTimeoutMilliseconds,
      })
      const zone = options.clusterDomain.toLowerCase()
      const listening = await listen(options.address, options.port, async (query, transport) => {
        try {
          return await answer(query, transport, { world, zone, forward })
        } catch (error) {
          options.log.error('DNS query failed', { error })
          return undefined
        }
      })
      return { failed: new Promise(() => {}), stop: () => listening.close() }
    },
  }
}

const sliceOfService = 'service'
const byAddress = 'address'

function watchWorld(informers: InformerFactory, signal: AbortSignal): { world: DnsWorld; synced: Promise<unknown> } {
  const services = informers.informer<Service>(refs.services, { indexes: { [byAddress]: (s) => s.spec?.clusterIPs ?? [] } })
  const namespaces = informers.informer(refs.namespaces)
  const slices = informers.informer<EndpointSlice>(refs.endpointslices, {
    indexes: {
      [sliceOfService]: (slice) => [`${slice.metadata.namespace}/${slice.metadata.labels?.['kubernetes.io/service-name'] ?? ''}`],
      [byAddress]: (slice) => (slice.endpoints ?? []).map((endpoint) => endpoint.addresses[0] ?? ''),
    },
  })
  return {
    synced: Promise.all([services.whenSynced(signal), slices.whenSynced(signal), namespaces.whenSynced(signal)]),
    world: {
      service: (namespace, name) => services.get(name, namespace),
      slices: (namespace, name) => slices.byIndex(sliceOfService, `${namespace}/${name}`),
      hasNamespace: (name) => namespaces.get(name) !== undefined,
      servicesAt: (address) => services.byIndex(byAddress, address),
      slicesAt: (address) => slices.byIndex(byAddress, address),
    },
  }
}
