// What containerd leaves behind when it is ended in the middle of something: networks made for a sandbox that was not yet written down, and the
// processes of one whose record is gone. Its own recovery starts from its records, so it sees neither.
import { existsSync, readlinkSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { run } from '../../base/child-process.ts'
import type { Clock } from '../../base/clock.ts'
import type { Logger } from '../../base/logger.ts'
import { isMounted, unmountBelow } from '../../base/mounts.ts'
import { commandLineOf, killIfThere, processIds } from '../../base/processes.ts'
import { listIfThere, readIfThere } from '../../base/read-file.ts'
import { heldNetworks, releaseNetwork, removeTornResults, type PodNetworkPlaces } from '../../cni/held-networks.ts'
import type { ContainerRuntime } from '../container-runtime.ts'
import type { Programs } from './host.ts'
import { removeLostCgroup } from './lost-cgroup.ts'
import type { ContainerdPaths } from './paths.ts'

interface Places {
  paths: Pick<ContainerdPaths, 'root' | 'state' | 'imageMounts' | 'socket' | 'runc' | 'cniConfig' | 'cniAddresses'>
  programs: Pick<Programs, 'ctr' | 'runc' | 'cni'>
}

export interface Held {
  /** Of sandboxes and containers that have a bundle or a shim. */
  ids: ReadonlySet<string>
  /** By the same ids: their control groups, which a containerd that starts may forget with the bundle. */
  cgroups: ReadonlyMap<string, string>
  /** On the disk, so that they outlive a reboot. */
  workDirectories: readonly string[]
  networkNamespaces: readonly string[]
  /** Ids of sandboxes. */
  networks: ReadonlySet<string>
  /** Wall time. */
  at: number
}

const pluginPatienceMilliseconds = 5_000
const bundles = ({ paths }: Places) => join(paths.state, 'io.containerd.runtime.v2.task/k8s.io')
const workDirectory = ({ paths }: Places) => join(paths.root, 'io.containerd.runtime.v2.task/k8s.io')
const network = ({ paths, programs }: Places): PodNetworkPlaces => ({ configurationDirectory: paths.cniConfig, addressDirectory: paths.cniAddresses, plugins: programs.cni, runtimeState: paths.state })

/** All there is while no containerd runs. */
export async function noteHeld(places: Places, clock: Clock): Promise<Held> {
  // a plug-in finishes its work also when who called it has died
  for (const until = performance.now() + pluginPatienceMilliseconds; someRunsFrom(places.programs.cni) && performance.now() < until; ) await wait(100)
  await removeTornResults()
  const namespaces = join(places.paths.state, 'io.containerd.grpc.v1.cri/netns')
  // leases are dated to the second: those of the containerd that has just ended must not look as new as the next one's
  if ([bundles(places), namespaces].some((directory) => listIfThere(directory).length > 0)) await wait(1000 - (clock.now() % 1000))
  const bundled = listIfThere(bundles(places))
  return {
    ids: new Set([...bundled, ...shims(places).map(({ id }) => id)]),
    cgroups: new Map(bundled.map((id) => [id, cgroupOf(places, id)])),
    workDirectories: listIfThere(workDirectory(places)),
    networkNamespaces: listIfThere(namespaces).map((name) => join(namespaces, name)),
    networks: await heldNetworks(network(places)), at: clock.now(),
  }
}

/** Takes away what of it the containerd that has started since does not know. */
export async function removeUnknown({ ids, cgroups, workDirectories, networkNamespaces, networks, at }: Held, places: Places, log: Logger): Promise<void> {
  const [containers, tasks] = await Promise.all([known(places, 'containers'), known(places, 'tasks')])
  const removed = { processes: 0, directories: 0, networkNamespaces: 0, networks: 0, leases: 0 }
  for (const id of ids) {
    if (containers.has(id) && tasks.has(id)) continue
    // also where a record is left: its task can neither go on nor be made anew beside what there is
    await removeRemains(places, id, cgroups.get(id))
    removed.processes++
  }
  for (const id of workDirectories.filter((one) => !tasks.has(one))) {
    await rm(join(workDirectory(places), id), { recursive: true, force: true })
    removed.directories++
  }
  const specs = [...tasks].map((id) => readIfThere(join(bundles(places), id, 'config.json')))
  const found = (pattern: RegExp) => new Set(specs.flatMap((spec) => pattern.exec(spec)?.[1] ?? []))
  const used = found(/"type":"network","path":"([^"]+)"/)
  const alive = found(/"io\.kubernetes\.cri\.sandbox-id":"([^"]+)"/)
  for (const path of networkNamespaces.filter((one) => !used.has(one))) {
    await run('umount', ['--lazy', path], { timeoutMilliseconds: 30_000 })
    await rm(path, { force: true })
    removed.networkNamespaces++
  }
  // after a reboot containerd takes down the network of a sandbox it remembers, but not what the plug-ins keep on the disk
  for (const id of networks) {
    if (alive.has(id)) continue
    await releaseNetwork(id, network(places)).catch((error: unknown) => log.warn('the network of a lost sandbox was not released', { sandbox: id, error }))
    removed.networks++
  }
  removed.leases = await removeLeases(places, at)
  if (Object.values(removed).some((count) => count > 0)) log.info('leftovers of an earlier containerd were removed', removed)
}

/** Removing something of which only the record was left must not leave its processes, nor a bundle that containerd had no time to delete. */
export function removingRemains(runtime: ContainerRuntime, places: Places): ContainerRuntime {
  const afterwards = (remove: (id: string) => Promise<void>) => async (id: string) => {
    await remove(id)
    if (existsSync(join(bundles(places), id))) await removeRemains(places, id)
  }
  return { ...runtime, removeSandbox: afterwards((id) => runtime.removeSandbox(id)), removeContainer: afterwards((id) => runtime.removeContainer(id)) }
}

async function removeRemains(places: Places, id: string, cgroup = cgroupOf(places, id)): Promise<void> {
  const runcState = join(places.paths.runc, 'k8s.io')
  endShims(places, id)
  await run(places.programs.runc, ['--root', runcState, 'delete', '--force', id], { timeoutMilliseconds: 30_000 })
  const bundle = join(bundles(places), id)
  await unmountBelow([bundle])
  for (const directory of [bundle, join(workDirectory(places), id), join(runcState, id)]) await rm(directory, { recursive: true, force: true })
  if (cgroup) await removeLostCgroup(cgroup)
}

/** Empty when its specification is not there. */
const cgroupOf = (places: Places, id: string) => /"cgroupsPath":"([^"]+)"/.exec(readIfThere(join(bundles(places), id, 'config.json')))?.[1] ?? ''

/** What was being made holds its snapshots for a day otherwise, and an image that was mounted before a reboot for good. @returns how many there were. */
async function removeLeases(places: Places, before: number): Promise<number> {
  const lines = (await ctr(places, 'leases', 'list')).split('\n').map((line) => line.trim().split(/\s+/))
  const isForgotten = (id: string, labels: string) => labels.includes('containerd.io/gc.expire=') || (id.startsWith(`${places.paths.imageMounts}/`) && !isMounted(id))
  const old = lines.filter(([id = '', created = '', labels = '']) => isForgotten(id, labels) && Date.parse(created) + 1000 <= before).map(([id]) => id!)
  if (old.length > 0) await ctr(places, 'leases', 'delete', '--sync', ...old)
  return old.length
}

const known = async (places: Places, what: 'containers' | 'tasks') => new Set((await ctr(places, what, 'list', '--quiet')).split('\n').filter(Boolean))

async function ctr({ paths, programs }: Places, ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await run(programs.ctr, ['--address', paths.socket, '--namespace', 'k8s.io', ...args], { timeoutMilliseconds: 60_000 })
  if (code !== 0) throw new Error(`ctr ${args[0]}: ${stderr.trim()}`)
  return stdout
}

/** Shims name the socket of the containerd they belong to. */
function shims({ paths }: Places): { pid: number; id: string }[] {
  return processIds().flatMap((pid) => {
    const words = commandLineOf(pid) ?? []
    const id = words[words.indexOf('-id') + 1]
    return words[0]?.includes('containerd-shim') && words.includes(paths.socket) && id ? [{ pid, id }] : []
  })
}

/** Its shim, and what that has begun: a `runc create` goes on by itself and would make anew what has just been removed. */
function endShims(places: Places, id: string): void {
  const runcs = processIds().filter((pid) => {
    const [program = '', ...words] = commandLineOf(pid) ?? []
    return basename(program) === 'runc' && words.includes(id)
  })
  for (const pid of [...shims(places).filter((shim) => shim.id === id).map((shim) => shim.pid), ...runcs]) killIfThere(pid)
}

function someRunsFrom(directory: string): boolean {
  return processIds().some((pid) => {
    try {
      return readlinkSync(`/proc/${pid}/exe`).startsWith(`${directory}/`)
    } catch {
      return false
    }
  })
}
