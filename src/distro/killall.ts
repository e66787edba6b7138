// The way back to a machine without pods: server, containers, containerd, mounts, network, rules and cgroups, in that order. Works on
// what is found, also when mk8s or containerd were killed before; nothing that belongs to another data directory is touched.
import { readdirSync, rmdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { readIfThere } from '../base/read-file.ts'
import { run } from '../base/child-process.ts'
import { removePodNetwork } from '../cni/index.ts'
import { dnsCommand } from '../dns/processes.ts'
import { cleanNetfilter } from '../netfilter/clean.ts'
import { createIptables } from '../netfilter/iptables.ts'
import { endProcess, readPid } from '../runtime/containerd/component.ts'
import { podBridge } from './names.ts'
import { pathsOf, type Paths } from './paths.ts'

const stopMilliseconds = 20_000

export async function killEverything(dataDirectory: string, say: (line: string) => void): Promise<void> {
  const paths = pathsOf(dataDirectory)
  await endServer(paths, say)
  await endNameServers(paths, say)
  const networks = podNetworkNamespaces(paths)
  await endContainers(paths, say)
  await unmountBelow([paths.containerd.root, paths.containerd.state, paths.kubelet, ...networks], say)
  for (const namespace of networks) rmSync(namespace, { force: true })
  await cleanNetfilter(createIptables()).then(() => say('iptables rules removed'), (error: Error) => say(`iptables rules not removed: ${error.message}`))
  await removePodNetwork({ bridge: podBridge, configurationDirectory: paths.containerd.cniConfig, addressDirectory: paths.cniAddresses })
  removeCgroups(paths)
  for (const path of [paths.containerd.state, paths.containerd.pidFile, paths.pidFile, paths.cniAddresses]) rmSync(path, { recursive: true, force: true })
  rmSync(join(paths.kubelet, 'pods'), { recursive: true, force: true })
}

async function endServer(paths: Paths, say: (line: string) => void): Promise<void> {
  const pid = Number(readIfThere(paths.pidFile))
  if (!pid || !isServer(pid)) return
  process.kill(pid, 'SIGTERM')
  for (const end = Date.now() + stopMilliseconds; isServer(pid) && Date.now() < end; ) await sleep(50)
  if (isServer(pid)) process.kill(pid, 'SIGKILL')
  say(`server ${pid} stopped`)
}

const isServer = (pid: number) => /mk8s[^\0]*\0(?:[^\0]*\0)*?(?:server|agent)\0/.test(readIfThere(`/proc/${pid}/cmdline`))

/** Also one that mk8s had no time to find. */
async function endNameServers(paths: Paths, say: (line: string) => void): Promise<void> {
  const found = processes().filter(({ commandLine }) => commandLine.includes(`\0${dnsCommand}\0${paths.dns}\0`))
  for (const { pid } of found) tryKill(pid)
  while (found.some(({ pid }) => isAlive(pid))) await sleep(20)
  rmSync(paths.dns, { recursive: true, force: true })
  if (found.length > 0) say('cluster DNS stopped')
}

/** Shims name the socket of the containerd they belong to; the containers are below them. */
async function endContainers(paths: Paths, say: (line: string) => void): Promise<void> {
  const containerd = readPid(paths.containerd)
  if (containerd !== undefined) await endProcess(containerd, paths.containerd)
  const shims = processes().filter(({ commandLine }) => commandLine.includes('containerd-shim') && commandLine.includes(paths.containerd.socket))
  const family = descendants(shims.map(({ pid }) => pid))
  for (const pid of family) tryKill(pid)
  while (family.some(isAlive)) await sleep(20)
  if (shims.length > 0) say(`${shims.length} pods ended`)
}

interface Process {
  pid: number
  parent: number
  commandLine: string
}

function processes(): Process[] {
  return readdirSync('/proc').filter((name) => /^\d+$/.test(name)).map((name) => ({
    pid: Number(name),
    parent: Number(/^PPid:\s*(\d+)/m.exec(readIfThere(`/proc/${name}/status`))?.[1] ?? 0),
    commandLine: readIfThere(`/proc/${name}/cmdline`),
  }))
}

function descendants(roots: readonly number[]): number[] {
  const all = processes()
  const found = new Set(roots)
  for (let before = -1; before !== found.size; ) {
    before = found.size
    for (const { pid, parent } of all) if (found.has(parent)) found.add(pid)
  }
  return [...found]
}

const isAlive = (pid: number) => !/^State:\s*[ZX]/m.test(readIfThere(`/proc/${pid}/status`) || 'State: X')

function tryKill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // it has ended meanwhile
  }
}

/** The network namespaces that containerd made for its sandboxes, as its state records them. */
function podNetworkNamespaces(paths: Paths): string[] {
  const tasks = join(paths.containerd.state, 'io.containerd.runtime.v2.task/k8s.io')
  const found = new Set<string>()
  for (const id of listIfThere(tasks)) {
    const spec = readIfThere(join(tasks, id, 'config.json'))
    const path = /"type":"network","path":"(\/(?:var\/)?run\/netns\/cni-[^"]+)"/.exec(spec)?.[1]
    if (path) found.add(path)
  }
  return [...found]
}

async function unmountBelow(directories: readonly string[], say: (line: string) => void): Promise<void> {
  const below = (path: string) => directories.some((directory) => path === directory || path.startsWith(`${directory}/`) || path === directory.replace(/^\/var\/run\//, '/run/'))
  const mounts = readIfThere('/proc/self/mounts').split('\n').map((line) => (line.split(' ')[1] ?? '').replace(/\\040/g, ' ')).filter(below)
  for (const path of mounts.reverse()) await run('umount', ['--lazy', path], { timeoutMilliseconds: 30_000 })
  if (mounts.length > 0) say(`${mounts.length} file systems unmounted`)
}

function removeCgroups({ cgroupParent, containerd }: Paths): void {
  const names = [cgroupParent || '/kubepods', containerd.cgroup]
  for (const hierarchy of ['', ...listIfThere('/sys/fs/cgroup')]) for (const name of names) removeCgroup(join('/sys/fs/cgroup', hierarchy, name))
}

function removeCgroup(directory: string): void {
  for (const name of listIfThere(directory)) if (!name.includes('.')) removeCgroup(join(directory, name))
  try {
    rmdirSync(directory)
  } catch {
    // not there, or still in use by something that is not ours
  }
}

function listIfThere(directory: string): string[] {
  try {
    return readdirSync(directory)
  } catch {
    return []
  }
}
