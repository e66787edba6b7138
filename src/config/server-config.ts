// What `mk8s server` runs with, once everything that depends on the machine is known.
import { addressAt, cidrContains, cidrsOverlap, parseCidr, cidrSize } from '../base/cidr.ts'
import { ConfigError } from './load.ts'
import type { Options } from './options.ts'

export interface ServerConfig extends Options {
  nodeName: string
  nodeIp: string
  advertiseAddress: string
  clusterDns: string
  /** First address of the service range: the Service `kubernetes`. */
  kubernetesServiceIp: string
}

export interface MachineFacts {
  hostname: string
  /** Address of the interface that holds the default route; else any that is up; else undefined. */
  address: string | undefined
}

/** @throws ConfigError for options that do not fit together. */
export function completeServerConfig(options: Options, machine: MachineFacts): ServerConfig {
  const service = parseCidr(options.serviceCidr)!
  const cluster = parseCidr(options.clusterCidr)!
  if (cidrsOverlap(service, cluster)) throw new ConfigError(`--service-cidr: ${options.serviceCidr} overlaps --cluster-cidr ${options.clusterCidr}`)
  if (cidrSize(service) < 16n) throw new ConfigError(`--service-cidr: ${options.serviceCidr} has fewer than 16 addresses`)
  if (cluster.family === 4 && cluster.prefix > 24) throw new ConfigError(`--cluster-cidr: ${options.clusterCidr} is smaller than the /24 that each node gets`)
  const clusterDns = options.clusterDns ?? addressAt(service, 10)
  if (!cidrContains(service, clusterDns)) throw new ConfigError(`--cluster-dns: ${clusterDns} is not in --service-cidr ${options.serviceCidr}`)
  // without any network the pods' bridge is where pods reach the node: the first node's range is the first of the cluster's
  const nodeIp = options.nodeIp ?? machine.address ?? addressAt(cluster, 1)
  return Object.freeze({
    ...options,
    nodeName: options.nodeName ?? machine.hostname.toLowerCase(),
    nodeIp,
    advertiseAddress: options.advertiseAddress ?? (options.bindAddress && !isLocalOnly(options.bindAddress) ? options.bindAddress : nodeIp),
    clusterDns,
    kubernetesServiceIp: addressAt(service, 1),
  })
}

/** Loopback and wildcard addresses mean nothing to pods. */
const isLocalOnly = (address: string) => /^(127\.|::1$|0\.0\.0\.0$|::$)/.test(address)
