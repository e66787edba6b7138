// What `mk8s server` runs with, once everything that depends on the machine is known.
import { addressAt, cidrContains, cidrsOverlap, parseCidr, cidrSize } from '../base/cidr.ts'
import { ConfigError } from './load.ts'
import type { Options } from './options.ts'

export interface ServerConfig extends Options {
  nodeName: string
  clusterDns: string
  /** First address of the service range: the Service `kubernetes`. */
  kubernetesServiceIp: string
}

/** What changes when the machine gets another address. */
export interface NodeAddresses {
  nodeIp: string
  advertiseAddress: string
}

/** @throws ConfigError for options that do not fit together. */
export function completeServerConfig(options: Options, nodeName: string): ServerConfig {
  const service = parseCidr(options.serviceCidr)!
  const cluster = parseCidr(options.clusterCidr)!
  if (cidrsOverlap(service, cluster)) throw new ConfigError(`--service-cidr: ${options.serviceCidr} overlaps --cluster-cidr ${options.clusterCidr}`)
  if (cidrSize(service) < 16n) throw new ConfigError(`--service-cidr: ${options.serviceCidr} has fewer than 16 addresses`)
  if (cluster.family === 4 && cluster.prefix > 24) throw new ConfigError(`--cluster-cidr: ${options.clusterCidr} is smaller than the /24 that each node gets`)
  for (const [flag, given] of [['--node-ip', options.nodeIp], ['--advertise-address', options.advertiseAddress]] as const) {
    if (given !== undefined && isLocalOnly(given)) throw new ConfigError(`${flag}: ${given} is no address at which pods and other machines reach this one`)
  }
  const clusterDns = options.clusterDns ?? addressAt(service, 10)
  if (!cidrContains(service, clusterDns)) throw new ConfigError(`--cluster-dns: ${clusterDns} is not in --service-cidr ${options.serviceCidr}`)
  return Object.freeze({ ...options, nodeName, clusterDns, kubernetesServiceIp: addressAt(service, 1) })
}

/** @param address of the machine, when it has one */
export function nodeAddresses({ nodeIp: given, advertiseAddress, bindAddress, clusterCidr }: Options, address: string | undefined): NodeAddresses {
  // without any network the pods' bridge is where pods reach the node: the first node's range is the first of the cluster's
  const nodeIp = given ?? address ?? addressAt(parseCidr(clusterCidr)!, 1)
  return { nodeIp, advertiseAddress: advertiseAddress ?? (bindAddress && !isLocalOnly(bindAddress) ? bindAddress : nodeIp) }
}

/** Loopback and wildcard addresses mean nothing to pods. */
const isLocalOnly = (address: string) => /^(127\.|::1$|0\.0\.0\.0$|::$)/.test(address)
