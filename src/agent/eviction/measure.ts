// What pods use: memory and writable layers as the runtime counts them, logs and emptyDirs by walking them, processes by their cgroup.
import { dirname } from 'node:path'
import type { ContainerRuntime, ContainerStats } from '../../runtime/container-runtime.ts'
import type { AgentPod } from '../pod/types.ts'
import type { Cgroups } from '../resources/cgroups.ts'
import type { RuntimeView } from '../runtime/view.ts'
import { emptyDirPath } from '../volumes/empty-dir.ts'
import { diskUsage } from './disk-usage.ts'
import type { ContainerUsage, DiskUsage, PodUsage } from './usage.ts'

interface MeasureOptions {
  runtime: ContainerRuntime
  view: RuntimeView
  cgroups: Cgroups
  /** Below it are the volumes of each pod. */
  volumesRoot: string
}

interface Wanted {
  /** Walks logs and volumes: dear. */
  disk?: boolean
  processes?: boolean
}

const nothing: DiskUsage = { bytes: 0, inodes: 0 }

/** By uid. A pod of which the runtime says nothing is left out. */
export async function measurePods({ runtime, view, cgroups, volumesRoot }: MeasureOptions, pods: readonly AgentPod[], wanted: Wanted): Promise<Map<string, PodUsage>> {
  const stats = new Map((await runtime.containerStats()).map((entry) => [entry.containerId, entry]))
  const found = new Map<string, PodUsage>()
  for (const pod of pods) {
    const { uid } = pod.metadata
    const measured = view.observe(uid).containers.flatMap(({ id, name, logPath }) => (stats.has(id) ? [{ name, logPath, stats: stats.get(id)! }] : []))
    if (measured.length === 0) continue
    const containers: ContainerUsage[] = []
    for (const { name, logPath, stats: entry } of measured) containers.push(usageOf(name, entry, wanted.disk && logPath ? await diskUsage(dirname(logPath)) : nothing))
    found.set(uid, {
      containers, volumes: new Map(wanted.disk ? await measureVolumes(pod, volumesRoot) : []), processes: wanted.processes ? await cgroups.processes(pod) : 0,
    })
  }
  return found
}

const usageOf = (name: string, stats: ContainerStats, logs: DiskUsage): ContainerUsage => ({
  name, memoryBytes: stats.memoryWorkingSetBytes, root: { bytes: stats.writableLayerBytes, inodes: stats.writableLayerInodes }, logs,
})

async function measureVolumes({ metadata, spec }: AgentPod, root: string): Promise<[string, DiskUsage][]> {
  const onDisk = (spec.volumes ?? []).filter(({ emptyDir }) => emptyDir && !emptyDir.medium)
  const measured: [string, DiskUsage][] = []
  for (const { name } of onDisk) measured.push([name, await diskUsage(emptyDirPath(root, metadata.uid, name))])
  return measured
}
