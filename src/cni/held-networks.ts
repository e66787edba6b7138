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
  await forgetResults(containerId)
  for (const file of await listed(join(addressDirectory, podNetworkName))) {
    const path = join(addressDirectory, podNetworkName, file)
    if (address.test(file) && (await text(path)).startsWith(containerId)) await rm(path, { force: true })
  }
}

/** Takes away what libcni has kept for this sandbox. @returns whether there was any. */
export async function forgetResults(containerId: string): Promise<boolean> {
  const kept = (await listed(resultDirectory)).filter((file) => sandboxOf(file) === containerId)
  for (const file of kept) await rm(join(resultDirectory, file), { force: true })
  return kept.length > 0
}

/** libcni does not sync what it keeps: after a power cut it is empty. Another runtime that is writing one just now loses a hint only. */
export async function removeTornResults(): Promise<void> {
  for (const name of (await listed(resultDirectory)).filter((file) => file.startsWith(`${podNetworkName}-`) || file.startsWith('cni-loopback-'))) {
    const path = join(resultDirectory, name)
    if ((await text(path)) === '') await rm(path, { force: true })
  }
}

const sandboxOf = (resultFile: string): string | undefined => /-([0-9a-f]{64})-[^-]+$/.exec(resultFile)?.[1]

const listed = (directory: string): Promise<string[]> => readdir(directory).catch(() => [])
const text = (path: string): Promise<string> => readFile(path, 'utf8').catch(() => '')
