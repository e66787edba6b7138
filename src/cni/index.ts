// The pod network of one node: a bridge with the node's pod range, masquerading towards the outside, and the CNI configuration that
// makes containerd use it. Everything is brought to the wanted state at each start; running pods notice nothing.
import { execFile } from 'node:child_process'
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Component } from '../base/component.ts'
import type { Logger } from '../base/logger.ts'
import type { NetworkGuard } from '../netfilter/guard.ts'
import { deleteFlowsWithin } from '../netfilter/conntrack.ts'
import type { Iptables } from '../netfilter/iptables.ts'
import { renderRestore, type PlacedRule } from '../netfilter/restore.ts'
import { planPodNetwork, renderConflist, type PodNetworkPlan } from './configuration.ts'
import { publishHostPorts, type PublishedPorts } from './host-ports.ts'
import { restoreParameters, setParameter } from './kernel-parameters.ts'

interface PodNetworkOptions {
  /** This node's part of the cluster's range (`spec.podCIDR`), as soon as it has one. */
  podCidr(signal: AbortSignal): Promise<string>
  clusterCidr: string
  serviceCidr: string
  bridge: string
  mtu: number
  /** Where the runtime looks for `*.conflist`. */
  configurationDirectory: string
  addressDirectory: string
  /** Remembers what kernel parameters were before. */
  parametersFile: string
  iptables: Iptables
  guard: Pick<NetworkGuard, 'keep'>
  /** Host ports of the pods that run now. */
  hostPorts(): readonly PublishedPorts[]
  /** Where the CNI plug-ins are. */
  plugins(): string
  log: Logger
}

const run = promisify(execFile)
const masqueradeChain = 'MK8S-MASQUERADE'
const configurationFile = '10-mk8s.conflist'

export function createPodNetwork(options: PodNetworkOptions): Component & { gateway(): string } {
  let plan: PodNetworkPlan | undefined
  return {
    name: 'pod network',
    gateway() {
      if (!plan) throw new Error('the pod network has not started')
      return plan.gateway
    },
    async start(signal) {
      const podCidr = await options.podCidr(signal)
      const made = planPodNetwork({ podCidr, bridge: options.bridge, mtu: options.mtu, addressDirectory: options.addressDirectory })
      plan = made
      const setUp = async () => {
        await enableForwarding(options)
        await ensureBridge(made)
        await ensureServiceRoute(made, options.serviceCidr)
        await ensureMasquerade(options, made)
        await writeConfiguration(options, made)
      }
      await setUp()
      const letGo = options.guard.keep({
        name: 'pod network',
        rules: [masqueradeHook(made)],
        isIntact: async () => (await hasRoutes(made)) && (await isForwarding()),
        async restore() {
          await setUp()
          await publishHostPorts(options.hostPorts(), made, options.plugins())
        },
      })
      return { failed: new Promise(() => {}), stop: async () => letGo() }
    },
  }
}

async function enableForwarding({ parametersFile, log }: PodNetworkOptions): Promise<void> {
  await run('modprobe', ['br_netfilter']).catch(() => {})
  await setParameter('net/ipv4/ip_forward', '1', parametersFile)
  // a reply between two pods of one bridge must pass netfilter, or the service address is never translated back
  for (const name of ['iptables', 'ip6tables']) {
    await setParameter(`net/bridge/bridge-nf-call-${name}`, '1', parametersFile).catch((error: unknown) =>
      log.warn('bridged packets do not pass netfilter; pods of this node do not reach each other through services', { error }),
    )
  }
}

const isForwarding = async (): Promise<boolean> => (await readFile('/proc/sys/net/ipv4/ip_forward', 'utf8')).trim() === '1'

/** The kernel keeps the route of the range as long as the bridge is up and has its address; the other one is that of services. */
const hasRoutes = async ({ bridge }: PodNetworkPlan): Promise<boolean> => (await readFile('/proc/net/route', 'utf8')).split(`\n${bridge}\t`).length > 2

async function ensureBridge({ bridge, bridgeMac, podCidr, gateway, mtu }: PodNetworkPlan): Promise<void> {
  const exists = await run('ip', ['link', 'show', 'dev', bridge]).then(() => true, () => false)
  if (!exists) await run('ip', ['link', 'add', bridge, 'address', bridgeMac, 'mtu', String(mtu), 'type', 'bridge'])
  const address = `${gateway}/${podCidr.split('/')[1]}`
  await removeOtherAddresses(bridge, address)
  await run('ip', ['address', 'replace', address, 'dev', bridge])
  await run('ip', ['link', 'set', bridge, 'up'])
}

/**
 * What this machine itself sends to a service must have a route before the rules translate it, also without a default route (no cable). It is there for good, so nothing
 * changes with the cable, and goes with the bridge. The same range on another link goes first.
 */
async function ensureServiceRoute({ bridge, gateway }: PodNetworkPlan, serviceCidr: string): Promise<void> {
  await run('ip', ['-4', 'route', 'replace', serviceCidr, 'dev', bridge, 'src', gateway, 'metric', '32000'])
}

async function removeOtherAddresses(bridge: string, wanted: string): Promise<void> {
  const { stdout } = await run('ip', ['-4', '-o', 'address', 'show', 'dev', bridge])
  for (const [, address] of stdout.matchAll(/\binet (\S+)/g)) {
    if (address !== wanted) await run('ip', ['address', 'delete', address!, 'dev', bridge])
  }
}

async function ensureMasquerade({ iptables, clusterCidr }: PodNetworkOptions, plan: PodNetworkPlan): Promise<void> {
  const rules = [`-d ${clusterCidr} -j RETURN`, '-d 224.0.0.0/4 -j RETURN', '-j MASQUERADE --random-fully']
  await iptables.restore(renderRestore([{ table: 'nat', chains: new Map([[masqueradeChain, rules]]), deleted: [], appended: [], removed: [] }]))
  const { table, chain, rule } = masqueradeHook(plan)
  await iptables.ensureFirst(table, chain, rule)
}

const masqueradeHook = ({ podCidr }: PodNetworkPlan): PlacedRule => ({ table: 'nat', chain: 'POSTROUTING', rule: `-s ${podCidr} -m addrtype ! --dst-type LOCAL -j ${masqueradeChain}` })

async function writeConfiguration(options: PodNetworkOptions, plan: PodNetworkPlan): Promise<void> {
  const path = join(options.configurationDirectory, configurationFile)
  const text = renderConflist(plan)
  if ((await readFile(path, 'utf8').catch(() => '')) === text) return
  await mkdir(options.configurationDirectory, { recursive: true })
  await mkdir(options.addressDirectory, { recursive: true })
  await writeFile(`${path}.new`, text, { mode: 0o600 })
  await rename(`${path}.new`, path)
}

/** Takes away what `createPodNetwork` made, when no pod is left; pods' ends of the bridge go at once, not when the kernel gets to it. */
export async function removePodNetwork(options: Pick<PodNetworkOptions, 'bridge' | 'configurationDirectory' | 'addressDirectory' | 'parametersFile'>): Promise<void> {
  const routes = await run('ip', ['-4', '-o', 'route', 'show', 'dev', options.bridge]).catch(() => ({ stdout: '' }))
  const ports = await run('ip', ['-o', 'link', 'show', 'master', options.bridge]).catch(() => ({ stdout: '' }))
  for (const [, port] of ports.stdout.matchAll(/^\d+: (veth[^:@]*)/gm)) await run('ip', ['link', 'delete', port!]).catch(() => {})
  await run('ip', ['link', 'delete', options.bridge]).catch(() => {})
  // of pods and of services; without the program they end by themselves, established connections after five days
  for (const [, range] of routes.stdout.matchAll(/^([\d.]+\/\d+) /gm)) await deleteFlowsWithin(range!).catch(() => {})
  await restoreParameters(options.parametersFile)
  await rm(options.addressDirectory, { recursive: true, force: true })
  await rm(join(options.configurationDirectory, configurationFile), { force: true })
}
