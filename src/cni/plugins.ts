// CNI plug-ins, called as the specification says (source: cni.dev, SPEC sections 2 to 4): a configuration list is carried out plug-in by plug-in, each
// with the result of the one before; what was attached is undone in reverse with the same configuration and the last result.
import { existsSync } from 'node:fs'
import { readFile, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { run } from '../base/child-process.ts'

interface PluginConfiguration {
  type: string
  capabilities?: Record<string, boolean>
  [field: string]: unknown
}

interface NetworkConfiguration {
  cniVersion: string
  name: string
  disableCheck?: boolean
  plugins: PluginConfiguration[]
}

interface CniResult {
  ips?: { address: string; interface?: number }[]
  [field: string]: unknown
}

/** All that is needed to check and to undo an attachment, also by a later process. */
export interface CniAttachment {
  configuration: NetworkConfiguration
  containerId: string
  namespacePath: string
  interfaceName: string
  args: Record<string, string>
  capabilities: Record<string, unknown>
  result?: CniResult
}

const timeoutMilliseconds = 60_000

/** The first configuration by name, as other runtimes choose it; undefined when there is none yet. */
export async function readNetworkConfiguration(directory: string): Promise<NetworkConfiguration | undefined> {
  const names = (await readdir(directory).catch((): string[] => [])).filter((name) => /\.(conflist|conf|json)$/.test(name)).sort()
  for (const name of names) {
    const parsed = JSON.parse(await readFile(join(directory, name), 'utf8')) as NetworkConfiguration & Partial<PluginConfiguration>
    if (Array.isArray(parsed.plugins)) return parsed
    if (parsed.type) return { cniVersion: parsed.cniVersion ?? '0.2.0', name: parsed.name, plugins: [parsed as unknown as PluginConfiguration] }
  }
  return undefined
}

/** @returns the attachment with its result. When it fails half-way, `detach` undoes what was done. */
export async function attach(attachment: CniAttachment, binDirectory: string): Promise<CniAttachment> {
  let result: CniResult | undefined
  for (const plugin of attachment.configuration.plugins) result = await callPlugin('ADD', { ...attachment, result }, plugin, binDirectory)
  return { ...attachment, ...(result ? { result } : {}) }
}

export async function detach(attachment: CniAttachment, binDirectory: string): Promise<void> {
  for (const plugin of attachment.configuration.plugins.toReversed()) await callPlugin('DEL', attachment, plugin, binDirectory)
}

/** Rejects when the network is not what it was made to be. */
export async function check(attachment: CniAttachment, binDirectory: string): Promise<void> {
  const { cniVersion, disableCheck, plugins } = attachment.configuration
  if (disableCheck || /^0\.[1-3]\./.test(cniVersion)) return
  for (const plugin of plugins) await callPlugin('CHECK', attachment, plugin, binDirectory)
}

/** Addresses without their prefix lengths; the first is the pod's. */
export const addressesOf = ({ result }: CniAttachment): string[] => (result?.ips ?? []).map(({ address }) => address.split('/')[0]!)

export async function callPlugin(command: 'ADD' | 'DEL' | 'CHECK', attachment: CniAttachment, plugin: PluginConfiguration, binDirectory: string): Promise<CniResult | undefined> {
  const { configuration: { cniVersion, name }, containerId, namespacePath, interfaceName, args, capabilities, result } = attachment
  const program = join(binDirectory, plugin.type)
  if (!existsSync(program)) throw new Error(`failed to find plugin "${plugin.type}" in path [${binDirectory}]`)
  const wanted = Object.entries(capabilities).filter(([capability]) => plugin.capabilities?.[capability])
  const { capabilities: _capabilities, ...rest } = plugin
  const input = JSON.stringify({ ...rest, cniVersion, name, ...(wanted.length > 0 ? { runtimeConfig: Object.fromEntries(wanted) } : {}), ...(result ? { prevResult: result } : {}) })
  const env = {
    CNI_COMMAND: command, CNI_CONTAINERID: containerId, CNI_NETNS: namespacePath, CNI_IFNAME: interfaceName, CNI_PATH: binDirectory,
    CNI_ARGS: Object.entries({ IgnoreUnknown: '1', ...args }).map(([key, value]) => `${key}=${value}`).join(';'),
  }
  const { code, stdout, stderr } = await run(program, [], { input, env, timeoutMilliseconds })
  if (code !== 0) throw new Error(`plugin type="${plugin.type}" failed (${command.toLowerCase()}): ${messageOf(stdout) || stderr.trim() || `exit code ${code}`}`)
  return command === 'ADD' && stdout.trim() ? (JSON.parse(stdout) as CniResult) : undefined
}

function messageOf(stdout: string): string {
  try {
    const { msg = '', details = '' } = JSON.parse(stdout) as { msg?: string; details?: string }
    return details ? `${msg}; ${details}` : msg
  } catch {
    return ''
  }
}
