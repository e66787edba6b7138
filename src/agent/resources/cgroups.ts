// Cgroups above the containers: `kubepods`, one for each quality-of-service class, one for each pod. Version 1 has a tree for each controller.
import { existsSync } from 'node:fs'
import { mkdir, readFile, readdir, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { cgroupHierarchies, isUnified, removeCgroup } from '../../base/cgroups.ts'
import type { LinuxResources } from '../../runtime/container-runtime.ts'
import type { AgentPod } from '../pod/types.ts'
import { podResources } from './linux-resources.ts'
import type { QosClass } from '../../api/qos.ts'
import { qosOf } from './qos.ts'

export type CgroupDriver = 'cgroupfs' | 'systemd'

export interface Cgroups {
  /** Version 2. */
  readonly unified: boolean
  /** What the runtime is told. */
  parentOf(pod: AgentPod): string
  ensureRoots(): Promise<void>
  ensurePod(pod: AgentPod): Promise<void>
  removePod(uid: string): Promise<void>
  /** In the pod's cgroup now; 0 when it cannot be told. */
  processes(pod: AgentPod): Promise<number>
  /** Uids of pods that have a cgroup. */
  pods(): Promise<string[]>
}

interface CgroupOptions {
  driver: CgroupDriver
  /** Where cgroups are mounted; `/sys/fs/cgroup`. */
  root: string
  /** A cgroup above `kubepods`, as `/mk8s`; default none. */
  parent?: string
  /** Of all pods together, where memory is reserved for the machine; default none. */
  memoryLimitBytes?: number
}

const classFolder: Record<QosClass, string> = { Guaranteed: '', Burstable: 'burstable', BestEffort: 'besteffort' }

export function createCgroups({ driver, root, parent = '', memoryLimitBytes }: CgroupOptions): Cgroups {
  const unified = isUnified(root)
  const path = (qos: QosClass, uid?: string) => join(parent, '/kubepods', classFolder[qos], uid === undefined ? '' : `pod${uid}`).replace(/\/$/, '')
  const slice = (qos: QosClass, uid: string) =>
    `${['kubepods', classFolder[qos], `pod${uid.replaceAll('-', '_')}`].filter(Boolean).join('-')}.slice`
  const own = driver === 'cgroupfs'
  // runc puts containers into the empty version 2 tree beside those of version 1, too
  const withHybrid = cgroupHierarchies(root)
  const trees = withHybrid.filter((tree) => unified || basename(tree) !== 'unified')
  const ensure = async (folder: string, resources: LinuxResources) => {
    for (const tree of trees) await make(tree, folder, unified)
    await apply(folder, resources)
  }
  const apply = (folder: string, resources: LinuxResources) => (unified ? applyUnified(join(root, folder), resources) : applyV1(root, folder, resources))
  /** The class as a whole has the weight of its pods together. */
  const weighBurstable = async () => {
    const tree = unified ? root : join(root, 'cpu')
    const [file, most] = unified ? (['cpu.weight', 10_000] as const) : (['cpu.shares', 262_144] as const)
    const folder = join(tree, path('Burstable'))
    const pods = (await readdir(folder).catch(() => [])).filter((name) => name.startsWith('pod'))
    const weights = await Promise.all(pods.map((name) => readFile(join(folder, name, file), 'utf8').then(Number, () => 0)))
    await put(join(folder, file), Math.min(most, Math.max(unified ? 1 : 2, weights.reduce((sum, weight) => sum + weight, 0))))
  }
  return {
    unified,
    parentOf: (pod) => (own ? path(qosOf(pod), pod.metadata.uid) : slice(qosOf(pod), pod.metadata.uid)),
    async ensureRoots() {
      if (!own) return
      await ensure(path('Guaranteed'), { memoryLimitBytes })
      await ensure(path('Burstable'), {})
      await ensure(path('BestEffort'), { cpuShares: 2 })
    },
    async ensurePod(pod) {
      if (!own) return
      const folder = path(qosOf(pod), pod.metadata.uid)
      // what is above has been made at the start: a whole walk through ten trees for each pod is forty steps more
      for (const tree of trees) if (!(await makeLast(tree, folder))) await make(tree, folder, unified)
      await apply(folder, podResources(pod))
      if (qosOf(pod) === 'Burstable') await weighBurstable()
    },
    async removePod(uid) {
      if (!own) return
      for (const tree of withHybrid) for (const qos of Object.keys(classFolder) as QosClass[]) await removeCgroup(join(tree, path(qos, uid)))
      await weighBurstable()
    },
    async processes(pod) {
      const folder = own ? path(qosOf(pod), pod.metadata.uid) : nestedSlices(slice(qosOf(pod), pod.metadata.uid))
      return Number(await readFile(join(root, unified ? '' : 'pids', folder, 'pids.current'), 'utf8').catch(() => '0'))
    },
    async pods() {
      if (!own) return []
      const folders = withHybrid.flatMap((tree) => (Object.keys(classFolder) as QosClass[]).map((qos) => readdir(join(tree, path(qos))).catch(() => [])))
      return [...new Set((await Promise.all(folders)).flat().filter((name) => name.startsWith('pod')).map((name) => name.slice(3)))]
    },
  }
}

/** systemd keeps `a-b-c.slice` in `a.slice/a-b.slice`. */
function nestedSlices(name: string): string {
  const words = name.slice(0, -'.slice'.length).split('-')
  return words.map((_, index) => `${words.slice(0, index + 1).join('-')}.slice`).join('/')
}

async function make(tree: string, folder: string, unified: boolean): Promise<void> {
  let at = '/'
  for (const part of folder.split('/').filter(Boolean)) {
    if (unified) await delegate(join(tree, at))
    at = join(at, part)
    await makeLast(tree, at)
  }
}

/** @returns false when what is above is missing. */
async function makeLast(tree: string, folder: string): Promise<boolean> {
  const at = join(tree, folder)
  try {
    await mkdir(at)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT') return false
    if (code !== 'EEXIST') throw error
  }
  if (tree.endsWith('/cpuset')) await inheritCpuset(dirname(at), at)
  return true
}

/** A child of version 2 has only the controllers that its parent hands down. */
async function delegate(folder: string): Promise<void> {
  const read = (name: string) => readFile(join(folder, name), 'utf8').then((text) => text.trim().split(/\s+/).filter(Boolean), (): string[] => [])
  const handedDown = await read('cgroup.subtree_control')
  const missing = (await read('cgroup.controllers')).filter((controller) => !handedDown.includes(controller))
  for (const controller of missing) await writeFile(join(folder, 'cgroup.subtree_control'), `+${controller}`).catch(() => {})
}

/** An empty cpuset lets no process in. */
async function inheritCpuset(parent: string, child: string): Promise<void> {
  for (const name of ['cpuset.cpus', 'cpuset.mems']) {
    const current = await readFile(join(child, name), 'utf8').catch(() => 'none')
    if (current.trim() === '') await writeFile(join(child, name), (await readFile(join(parent, name), 'utf8')).trim())
  }
}

async function applyV1(root: string, folder: string, { cpuShares, cpuPeriod, cpuQuota, memoryLimitBytes }: LinuxResources): Promise<void> {
  const set = (controller: string, file: string, value: number | undefined) => put(join(root, controller, folder, file), value)
  await set('cpu', 'cpu.shares', cpuShares)
  await set('cpu', 'cpu.cfs_period_us', cpuPeriod)
  await set('cpu', 'cpu.cfs_quota_us', cpuQuota || undefined)
  await set('memory', 'memory.limit_in_bytes', memoryLimitBytes || undefined)
}

async function applyUnified(folder: string, { cpuShares, cpuPeriod, cpuQuota, memoryLimitBytes }: LinuxResources): Promise<void> {
  if (cpuShares) await put(join(folder, 'cpu.weight'), 1 + Math.floor(((cpuShares - 2) * 9999) / 262_142))
  if (cpuQuota) await put(join(folder, 'cpu.max'), `${cpuQuota} ${cpuPeriod ?? 100_000}`)
  if (memoryLimitBytes) await put(join(folder, 'memory.max'), memoryLimitBytes)
}

/** A controller that is not there leaves its limit unenforced, as upstream does. */
async function put(file: string, value: number | string | undefined): Promise<void> {
  if (value === undefined || !existsSync(file)) return
  await writeFile(file, String(value))
}
