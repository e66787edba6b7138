// Looks at what runs on the machine, and changes nothing: a database that nobody uses is checked as a copy.
import { X509Certificate } from 'node:crypto'
import { Resolver } from 'node:dns/promises'
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { release, tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { findExecutable, run } from '../../base/child-process.ts'
import { systemClock } from '../../base/clock.ts'
import { createGrpcClient } from '../../base/grpc/client.ts'
import { silentLogger } from '../../base/logger.ts'
import { processIds } from '../../base/processes.ts'
import { listIfThere, readIfThere } from '../../base/read-file.ts'
import { nodeAddresses, type ServerConfig } from '../../config/server-config.ts'
import { readPid } from '../../runtime/containerd/component.ts'
import { methods } from '../../runtime/cri/methods.ts'
import { services } from '../../runtime/ctr/services.ts'
import { openSqliteStorage } from '../../storage-sqlite/sqlite-storage.ts'
import { extractSqliteAddon, startStorageWorker } from '../assets.ts'
import { chooseAddress, readAddresses, readDefaultRoute } from '../machine.ts'
import { podBridge } from '../names.ts'
import { hadServer } from '../node-name.ts'
import type { Paths } from '../paths.ts'
import { askApi } from './ask-api.ts'
import type { Condition } from './condition.ts'

interface Scene {
  config: ServerConfig
  paths: Paths
  now: number
  serverPid?: number
}

const neededChains = ['KUBE-SERVICES', 'KUBE-POSTROUTING', 'MK8S-MASQUERADE']
const otherKubernetes = ['k3s', 'k3s-server', 'kubelet', 'kubelite', 'kube-apiserver', 'k0s', 'rke2']

export async function observeCondition(scene: Scene): Promise<Condition> {
  const { config, paths, now, serverPid } = scene
  const isNode = !config.disableAgent
  const runs = serverPid !== undefined
  const addresses = readAddresses()
  const defaultRoute = readDefaultRoute()
  const found = chooseAddress({ addresses, defaultRoute, current: undefined, stillOurs: false })
  const gateway = await bridgeAddress()
  const [api, containerd, missingChains, dns, database, dropping] = await Promise.all([
    runs ? askApi({ data: paths.data, host: reachable(config.bindAddress), port: config.httpsListenPort, nodeName: config.nodeName }) : undefined,
    runs && isNode && !config.containerRuntimeEndpoint ? askContainerd(paths, config.runtimeDriver === 'cri') : undefined,
    runs && isNode ? chainsMissing() : undefined,
    runs && isNode && !config.disable.includes('coredns') ? askDns(gateway, config.clusterDomain) : undefined,
    existsSync(paths.database) || hadServer(paths.data) ? checkDatabase(paths.database, runs) : undefined,
    droppingChains(),
  ])
  const running = processIds().map((pid) => ({ pid, name: readIfThere(`/proc/${pid}/comm`).trim() }))
  return {
    isNode, now, serverPid, api, containerd, missingChains, dns, database, clusterCidr: config.clusterCidr, serviceCidr: config.serviceCidr,
    certificates: certificatesOf(paths.data),
    address: { node: nodeAddresses(config, found).nodeIp, given: config.nodeIp !== undefined, found, defaultRoute },
    nameServers: { path: config.resolvConf, addresses: nameServersOf(config.resolvConf), ownAddresses: [config.clusterDns, ...(gateway ? [gateway] : [])], stub: existsSync('/run/systemd/resolve/resolv.conf') },
    others: running.filter(({ name }) => otherKubernetes.includes(name)),
    foreignKubelet: ['config.yaml', 'pki', 'kubeadm-flags.env'].some((name) => existsSync(join('/var/lib/kubelet', name))),
    firewall: { ufw: /^ENABLED=yes/m.test(readIfThere('/etc/ufw/ufw.conf')), firewalld: running.some(({ name }) => name === 'firewalld'), dropping },
    networkManager: running.some(({ name }) => name === 'NetworkManager') && !listIfThere('/etc/NetworkManager/conf.d').some((name) => readIfThere(join('/etc/NetworkManager/conf.d', name)).includes(podBridge)),
    modules: { overlay: /\boverlay$/m.test(readIfThere('/proc/filesystems')) || hasModule('overlay'), bridgeNetfilter: existsSync('/proc/sys/net/bridge') || hasModule('br_netfilter') },
    limits: { inotifyInstances: number('fs/inotify/max_user_instances'), inotifyWatches: number('fs/inotify/max_user_watches'), openFiles: openFilesOf(serverPid) },
    swapBytes: Number(/^SwapTotal:\s+(\d+)/m.exec(readIfThere('/proc/meminfo'))?.[1] ?? 0) * 1024,
  }
}

const reachable = (address: string | undefined) => (!address || address === '0.0.0.0' || address === '::' ? '127.0.0.1' : address)
const number = (parameter: string) => Number(readIfThere(`/proc/sys/${parameter}`))

/** Of the server, else of what is started from here. */
const openFilesOf = (pid: number | undefined) => Number(/^Max open files\s+\S+\s+(\d+)/m.exec(readIfThere(`/proc/${pid ?? 'self'}/limits`))?.[1] ?? Infinity)

const hasModule = (name: string) =>
  existsSync(`/sys/module/${name}`) || ['modules.builtin', 'modules.dep'].some((file) => readIfThere(`/lib/modules/${release()}/${file}`).includes(`/${name}.ko`))

const nameServersOf = (path: string) => [...readIfThere(path).matchAll(/^\s*nameserver\s+(\S+)/gm)].map((match) => match[1]!)

async function askContainerd(paths: Paths, criPlugin: boolean): Promise<Condition['containerd']> {
  const client = createGrpcClient(`unix://${paths.containerd.socket}`)
  try {
    await (criPlugin ? client.call(methods.version, {}, { timeoutMilliseconds: 10_000 }) : client.call(services.version, {}, { timeoutMilliseconds: 10_000 }))
    return { pid: readPid(paths.containerd) }
  } catch (error) {
    return { failure: (error as Error).message }
  } finally {
    client.close()
  }
}

async function chainsMissing(): Promise<string[]> {
  const { stdout } = await run('iptables-save', ['-t', 'nat'], { timeoutMilliseconds: 20_000 }).catch(() => ({ stdout: '' }))
  return neededChains.filter((chain) => !stdout.includes(`\n:${chain} `))
}

/** Also of a bridge that no pod is connected to. */
async function bridgeAddress(): Promise<string | undefined> {
  const { stdout } = await run('ip', ['-4', '-o', 'address', 'show', 'dev', podBridge]).catch(() => ({ stdout: '' }))
  return /\binet ([\d.]+)/.exec(stdout)?.[1]
}

async function askDns(gateway: string | undefined, domain: string): Promise<NonNullable<Condition['dns']>> {
  if (!gateway) return { failure: `there is no bridge ${podBridge}` }
  const resolver = new Resolver({ timeout: 3000, tries: 2 })
  resolver.setServers([gateway])
  return resolver.resolve4(`kubernetes.default.svc.${domain}`).then(() => ({}), (error: Error) => ({ failure: error.message }))
}

async function checkDatabase(path: string, inUse: boolean): Promise<NonNullable<Condition['database']>> {
  const files = [path, `${path}-wal`].filter((file) => existsSync(file))
  const bytes = files.reduce((sum, file) => sum + statSync(file).size, 0)
  if (inUse) return { path, bytes, inUse }
  const directory = mkdtempSync(join(tmpdir(), 'mk8s-doctor-'))
  try {
    for (const file of files) copyFileSync(file, join(directory, basename(file)))
    const copy = join(directory, basename(path))
    const storage = await openSqliteStorage({ path: copy, mayCreate: false, startWorker: startStorageWorker, nativeBinding: extractSqliteAddon(directory), clock: systemClock, log: silentLogger })
    await storage.close()
    return { path, bytes, inUse }
  } catch (error) {
    return { path, bytes, inUse, failure: (error as Error).message.replaceAll(directory, dirname(path)) }
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

function certificatesOf(data: string): Condition['certificates'] {
  const files = ['server/tls', 'agent'].flatMap((directory) => listIfThere(join(data, directory)).filter((name) => name.endsWith('.crt')).map((name) => join(data, directory, name)))
  return files.flatMap((path) => {
    try {
      const certificate = new X509Certificate(readFileSync(path))
      return [{ path, isAuthority: certificate.ca, notAfter: certificate.validToDate.getTime() }]
    } catch {
      return []
    }
  })
}

/** Chains of nftables, other than iptables' own, that forwarded packets pass and that drop what nothing accepts. */
async function droppingChains(): Promise<string[]> {
  if (!findExecutable('nft')) return []
  const { stdout } = await run('nft', ['--json', 'list', 'chains'], { timeoutMilliseconds: 20_000 }).catch(() => ({ stdout: '' }))
  return parseDroppingChains(stdout)
}

export function parseDroppingChains(json: string): string[] {
  try {
    const { nftables } = JSON.parse(json) as { nftables: { chain?: { family: string; table: string; name: string; hook?: string; policy?: string } }[] }
    const chains = nftables.flatMap(({ chain }) => (chain ? [chain] : [])).filter(({ hook, policy }) => hook === 'forward' && policy === 'drop')
    return chains.filter(({ family, table }) => !(family.startsWith('ip') && table === 'filter')).map(({ family, table, name }) => `${family} ${table} ${name}`)
  } catch {
    return []
  }
}
