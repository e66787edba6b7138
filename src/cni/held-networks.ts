// Networks that plug-ins hold for sandboxes nobody knows any more: the runtime was ended between making the network and writing the sandbox down.
import { readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { podNetworkName } from './configuration.ts'
import { detach, readNetworkConfiguration } from './plugins.ts'

export interface PodNetworkPlaces {
  configurationDirectory: string
  addressDirectory: string
  /** Where the plug-ins are. */
  plugins: string
  /** Below it are the network namespaces of the runtime's sandboxes. */
  runtimeState: string
}

/** Where libcni keeps what an ADD has given; containerd does not let it be anywhere else. */
const resultDirectory = '/var/lib/cni/results'
const address = /^(?:\d+\.){3}\d+$|:/

/** Ids of the sandboxes for which there is an address or a kept result. */
export async function heldNetworks({ addressDirectory, runtimeState }: PodNetworkPlaces): Promise<Set<string>> {
  const addresses = join(addressDirectory, podNetworkName)
  const held = await Promise.all((await listed(addresses)).filter((name) => address.test(name)).map(async (name) => (await text(join(addresses, name))).split(/\s/)[0] ?? ''))
  // several runtimes share the directory
  const results = await Promise.all((await listed(resultDirectory)).map(async (name) => ((await text(join(resultDirectory, name))).includes(`"${runtimeState}/`) ? (sandboxOf(name) ?? '') : '')))
  return new Set([...held, ...results].filter(Boolean))
}

/** Gives back the sandbox's address, takes away its host ports and the kept results. Its links go with its network namespace. */
export async function releaseNetwork(containerId: string, { configurationDirectory, addressDirectory, plugins }: PodNetworkPlaces): Promise<void> {
  const configuration = await readNetworkConfiguration(configurationDirectory)
  // portmap deletes by the sandbox's id, but only when it is told of any port
  const capabilities = { portMappings: [{ hostPort: 1, containerPort: 1, protocol: 'tcp' }] }
  if (configuration) await detach({ configuration, containerId, namespacePath: '', interfaceName: 'eth0', args: {}, capabilities }, plugins)
  for (const file of await listed(resultDirectory)) if (sandboxOf(file) === containerId) await rm(join(resultDirectory, file), { force: true })
  for (const file of await listed(join(addressDirectory, podNetworkName))) {
    const path = join(addressDirectory, podNetworkName, file)
    if (address.test(file) && (await text(path)).startsWith(containerId)) await rm(path, { force: true })
  }
}

const sandboxOf = (resultFile: string): string | undefined => /-([0-9a-f]{64})-[^-]+$/.exec(resultFile)?.[1]

const listed = (directory: string): Promise<string[]> => readdir(directory).catch(() => [])
const text = (path: string): Promise<string> => readFile(path, 'utf8').catch(() => '')
