// Host ports of pods that run already, written by the plug-in anew.
import { podNetworkName, type PodNetworkPlan } from './configuration.ts'
import { callPlugin } from './plugins.ts'

export interface PublishedPorts {
  sandboxId: string
  /** Of the pod. */
  ips: readonly string[]
  portMappings: readonly { protocol: string; containerPort: number; hostPort: number; hostIP: string }[]
}

/** portmap takes its rules of the same sandbox away before it writes them. */
export async function publishHostPorts(published: readonly PublishedPorts[], { podCidr }: Pick<PodNetworkPlan, 'podCidr'>, binDirectory: string): Promise<void> {
  for (const { sandboxId, ips, portMappings } of published) {
    const addresses = ips.map((ip) => ({ version: '4', address: `${ip}/${podCidr.split('/')[1]}` }))
    const capabilities = { portMappings: portMappings.map((mapping) => ({ ...mapping, protocol: mapping.protocol.toLowerCase() })) }
    const attachment = {
      configuration: { cniVersion: '0.4.0', name: podNetworkName, plugins: [] }, containerId: sandboxId, namespacePath: '/proc/self/ns/net', interfaceName: 'eth0', args: {}, capabilities,
      result: { cniVersion: '0.4.0', ips: addresses },
    }
    await callPlugin('ADD', attachment, { type: 'portmap', capabilities: { portMappings: true }, snat: true }, binDirectory)
  }
}
