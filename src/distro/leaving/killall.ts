// The way back to a machine without pods: server, containers, containerd, mounts, network, rules, cgroups and what lies about in the file system,
// in that order. Works on what is found, also when mk8s or containerd were killed before; nothing that belongs to another data directory is touched.
import { existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { run } from '../../base/child-process.ts'
import { mountsBelow, unmountBelow } from '../../base/mounts.ts'
import { processes } from '../../base/processes.ts'
import { readIfThere } from '../../base/read-file.ts'
import { podNetworkName } from '../../cni/configuration.ts'
import { removePodNetwork } from '../../cni/index.ts'
import { dnsCommand } from '../../dns/processes.ts'
import { cleanNetfilter } from '../../netfilter/clean.ts'
import { endProcess, readPid } from '../../runtime/containerd/component.ts'
import { defaultDataDirectory, defaultRunDirectory } from '../../runtime/containerd/paths.ts'
import { podBridge } from '../names.ts'
import { endForeignPods } from '../node-runtime.ts'
import { pathsOf, type Paths } from '../paths.ts'
import { removeCgroups } from './cgroups.ts'
import { descendants, killAndWait, processesRootedBelow } from './processes.ts'
import { findCniResults, findRuncStates, findShimSockets, removeEmpty, removeRemains } from './remains.ts'

const stopMilliseconds = 20_000

export type Say = (line: string) => void

/** @throws an error of one line when something does not go away; what could be done without danger is done then. */
export async function killEverything(dataDirectory: string, say: Say): Promise<void> {
  const paths = pathsOf(dataDirectory)
  // never started here: what looks like ours is another Kubernetes'
  if (!existsSync(paths.data) && !existsSync(paths.run)) return say(`there is no mk8s with the data directory ${paths.data}`)
  await endServer(paths, say)
  await endNameServers(paths, say)
  const remains = [...findShimSockets(paths), ...findCniResults(paths), ...findRuncStates(paths)]
  const foreign = await endForeignPods(paths.containerd).catch((error: Error) => say(`pods not ended: ${error.message}`))
  if (foreign) say(`${foreign} pods ended`)
  await endContainers(paths, say)
  const places = [paths.containerd.root, paths.containerd.state, paths.containerd.ctrRun, paths.kubelet]
  const unmounted = await unmountBelow(places)
  if (unmounted > 0) say(`${unmounted} file systems unmounted`)
  await cleanNetfilter(podNetworkName).then((removed) => removed && say('iptables rules removed'), (error: Error) => say(`iptables rules not removed: ${error.message}`))
  await removePodNetwork({ bridge: podBridge, configurationDirectory: paths.containerd.cniConfig, addressDirectory: paths.cniAddresses, parametersFile: paths.kernelParameters })
  await removeCgroups(paths)
  const mounted = mountsBelow(places)
  // what a pod had mounted may be somebody's data: nothing is deleted above it
  if (mounted.length > 0) throw new Error(`${mounted[0]} cannot be unmounted${mounted.length > 1 ? `, nor can ${mounted.length - 1} more` : ''}: end what uses it and repeat "mk8s killall"`)
  removeRemains(remains)
  // the usual run directory has those of other data directories in it
  const runtime = paths.run === defaultRunDirectory ? [paths.containerd.state, paths.containerd.ctrRun, paths.containerd.runc, paths.containerd.pidFile, paths.pidFile, paths.control, paths.dns, paths.cniAddresses] : [paths.run]
  for (const path of [...runtime, join(paths.kubelet, 'pods')]) rmSync(path, { recursive: true, force: true })
  removeEmpty(join(paths.kubelet, 'memory'), paths.kubelet, defaultRunDirectory)
}

async function endServer(paths: Paths, say: Say): Promise<void> {
  await stopUnit(paths)
  const pid = Number(readIfThere(paths.pidFile))
  if (!pid || !isServer(pid)) return
  process.kill(pid, 'SIGTERM')
  for (const end = performance.now() + stopMilliseconds; isServer(pid) && performance.now() < end; ) await sleep(50)
  if (isServer(pid)) await killAndWait([pid])
  say(`server ${pid} stopped`)
}

/** systemd would start it again. */
async function stopUnit({ data }: Paths): Promise<void> {
  if (data === defaultDataDirectory && existsSync('/run/systemd/system')) await run('systemctl', ['stop', 'mk8s.service'], { timeoutMilliseconds: 90_000 })
}

const isServer = (pid: number) => /mk8s[^\0]*\0(?:[^\0]*\0)*?(?:server|agent)\0/.test(readIfThere(`/proc/${pid}/cmdline`))

/** Also one that mk8s had no time to find. */
async function endNameServers(paths: Paths, say: Say): Promise<void> {
  const found = processes().filter(({ commandLine }) => commandLine.includes(`\0${dnsCommand}\0${paths.dns}\0`)).map(({ pid }) => pid)
  await killAndWait(found)
  if (found.length > 0) say('cluster DNS stopped')
}

/** Shims name the socket of the containerd they belong to; containers are below them, and CNI plug-ins at work below containerd. */
async function endContainers(paths: Paths, say: Say): Promise<void> {
  const containerd = readPid(paths.containerd)
  const children = containerd === undefined ? [] : descendants([containerd]).filter((pid) => pid !== containerd)
  if (containerd !== undefined) await endProcess(containerd, paths.containerd)
  const shims = processes().filter(({ commandLine }) => commandLine.includes('containerd-shim') && commandLine.split('\0').includes(paths.containerd.socket)).map(({ pid }) => pid)
  const left = await killAndWait([...children, ...descendants(shims), ...processesRootedBelow(paths.containerd.root)])
  if (shims.length > 0) say(`${shims.length} pods ended`)
  if (left > 0) say(`${left} processes do not end: the kernel holds them`)
}
