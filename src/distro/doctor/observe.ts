// Looks at the machine, and changes nothing on it.
import { accessSync, constants, existsSync, statfsSync, statSync } from 'node:fs'
import { totalmem } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { cgroupRoot, isUnified } from '../../base/cgroups.ts'
import { findExecutable, run } from '../../base/child-process.ts'
import { addressAt, parseCidr } from '../../base/cidr.ts'
import { mounts, nearestMount } from '../../base/mounts.ts'
import { readIfThere } from '../../base/read-file.ts'
import { version } from '../../base/version.ts'
import type { ServerConfig } from '../../config/server-config.ts'
import { dnsCommand } from '../../dns/processes.ts'
import { lookForCni } from '../../runtime/containerd/host.ts'
import { readRegistries } from '../../runtime/containerd/registries.ts'
import { lastWrite } from '../../storage-sqlite/last-write.ts'
import { podBridge } from '../names.ts'
import type { Paths } from '../paths.ts'
import { dnsPort, kubeletPort } from '../ports.ts'
import { findTaken, type WantedPort } from './listeners.ts'
import type { Directory, Surroundings } from './surroundings.ts'
import { tryNetwork } from './trial.ts'

interface Scene {
  config: ServerConfig
  paths: Paths
  /** Milliseconds since 1970. */
  now: number
  /** The server of this data directory, when it runs. */
  serverPid?: number
}

const programNames = ['containerd', 'ctr', 'runc', 'iptables', 'iptables-save', 'iptables-restore', 'ip', 'mount', 'umount', 'conntrack']

export async function observe({ config, paths, now, serverPid }: Scene): Promise<Surroundings> {
  const isNode = !config.disableAgent
  const ownContainerd = isNode && !config.containerRuntimeEndpoint
  const callsPlugins = ownContainerd || (isNode && config.runtimeDriver === 'ctr')
  const programs = Object.fromEntries(programNames.map((name) => [name, findExecutable(name)]))
  const [containerd, trial, registries] = await Promise.all([
    ownContainerd && programs.containerd ? askVersion(programs.containerd) : {},
    isNode && programs.ip && programs['iptables-restore'] && !existsSync(`/sys/class/net/${podBridge}`) ? tryNetwork() : undefined,
    readRegistries(config.privateRegistry).then(() => ({}), (error: Error) => ({ failure: error.message })),
  ])
  return {
    isNode, ownContainerd, programs, containerd, trial, cni: callsPlugins ? lookForCni() : undefined, cgroups: readCgroups(),
    board: readIfThere('/proc/device-tree/model').replaceAll('\0', ''),
    directories: directoriesOf(config, paths).map(([use, path]) => look(use, path)),
    hasDatabase: existsSync(paths.database),
    ports: findTaken(wantedPorts(config), (commandLine, pid) => pid === serverPid || commandLine.includes(`\0${dnsCommand}\0${paths.dns}\0`)),
    memoryBytes: totalmem(),
    clock: { now, built: Date.parse(version.buildDate), newestFile: lastWrite(paths.database) },
    registries,
  }
}

async function askVersion(containerd: string): Promise<Surroundings['containerd']> {
  try {
    const { code, stdout, stderr } = await run(containerd, ['--version'], { timeoutMilliseconds: 60_000 })
    return code === 0 ? { printed: stdout } : { failure: stderr.trim().split('\n').at(-1) || `exit code ${code}` }
  } catch (error) {
    return { failure: (error as Error).message }
  }
}

function readCgroups(): Surroundings['cgroups'] {
  if (isUnified()) return { version: 2, mounted: true, controllers: readIfThere(join(cgroupRoot, 'cgroup.controllers')).trim().split(' ').filter(Boolean) }
  const controllers = readIfThere('/proc/cgroups').split('\n').slice(1).flatMap((line) => {
    const [name = '', , , enabled] = line.split('\t')
    return enabled === '1' && existsSync(join(cgroupRoot, name, 'cgroup.procs')) ? [name] : []
  })
  return { version: 1, mounted: controllers.length > 0, controllers }
}

const directoriesOf = (config: ServerConfig, paths: Paths): [Directory['use'], string][] => [
  ['data', paths.data], ['run', paths.run], ['kubeconfig', dirname(resolve(config.writeKubeconfig))], ...(config.disableAgent ? [] : [['pods', paths.kubelet], ['logs', paths.podLogs]] as [Directory['use'], string][]),
]

function look(use: Directory['use'], path: string): Directory {
  let nearest = path
  while (!statSync(nearest, { throwIfNoEntry: false }) && nearest !== '/') nearest = dirname(nearest)
  const { bavail, blocks, bsize, files, ffree } = statfsSync(nearest)
  const mount = mountOf(nearest)
  return {
    use, path, nearest, isDirectory: statSync(nearest).isDirectory(), readOnly: !canWrite(nearest), noExecution: mount.options.includes('noexec'), fileSystem: mount.fileSystem,
    freeBytes: bavail * bsize, totalBytes: blocks * bsize, freeInodes: files > 0 ? ffree : undefined,
  }
}

function canWrite(path: string): boolean {
  try {
    accessSync(path, constants.W_OK)
    return true
  } catch {
    return false
  }
}

/** Of the last mount at the longest mount point that leads to `path`. */
export function mountOf(path: string, table?: string): { fileSystem: string; options: string[] } {
  const nearest = nearestMount(path, mounts(table))
  return { fileSystem: nearest?.type ?? 'an unknown file system', options: nearest?.options ?? [] }
}

function wantedPorts(config: ServerConfig): WantedPort[] {
  const any = (address: string | undefined) => (!address || address === '0.0.0.0' || address === '::' ? '*' : address)
  const api: WantedPort = { protocol: 'tcp', address: any(config.bindAddress), port: config.httpsListenPort, purpose: 'API' }
  if (config.disableAgent) return [api]
  const bridge = addressAt(parseCidr(config.clusterCidr)!, 1)
  const dns = config.disable.includes('coredns') ? [] : (['udp', 'tcp'] as const).map((protocol): WantedPort => ({ protocol, address: bridge, port: dnsPort, purpose: 'DNS' }))
  return [api, { protocol: 'tcp', address: '*', port: kubeletPort, purpose: 'kubelet' }, ...dns]
}
