// What running containers use, from their control groups and containerd's snapshots.
import type { ContainerStats } from '../container-runtime.ts'
import { isUnified } from '../../base/cgroups.ts'
import { readCgroupFile } from './cgroup-files.ts'
import type { CtrContext } from './context.ts'
import type { ContainerRecord } from './records.ts'
import { services } from './services.ts'

export async function containerStats(context: CtrContext): Promise<ContainerStats[]> {
  const running = context.containers.all().filter(({ phase }) => phase === 'running')
  return Promise.all(running.map((record) => statsOf(context, record)))
}

async function statsOf(context: CtrContext, { id, sandboxId, spec, cgroup }: ContainerRecord): Promise<ContainerStats> {
  const [cpu, usage, memory, layer] = await Promise.all([
    readCgroupFile(cgroup, 'cpuacct', 'cpuacct.usage', 'cpu.stat'), readCgroupFile(cgroup, 'memory', 'memory.usage_in_bytes', 'memory.current'), readCgroupFile(cgroup, 'memory', 'memory.stat', 'memory.stat'),
    context.snapshotter().then((snapshotter) => context.containerd.call(services.snapshotUsage, { snapshotter, key: id })).catch(() => ({ size: 0, inodes: 0 })),
  ])
  const inactive = Number(new RegExp(`^${isUnified() ? 'inactive_file' : 'total_inactive_file'} (\\d+)$`, 'm').exec(memory)?.[1] ?? 0)
  return {
    containerId: id, name: spec.name, sandboxId, timestamp: Date.now(), cpuNanoseconds: isUnified() ? Number(/^usage_usec (\d+)$/m.exec(cpu)?.[1] ?? 0) * 1000 : Number(cpu),
    memoryUsageBytes: Number(usage), memoryWorkingSetBytes: Math.max(0, Number(usage) - inactive), writableLayerBytes: layer.size, writableLayerInodes: layer.inodes,
  }
}

/** All snapshots, as images and containers fill them. */
export async function imageFilesystem({ containerd, snapshotter }: CtrContext): Promise<{ mountpoint: string; usedBytes: number; inodesUsed: number }> {
  const name = await snapshotter()
  const { plugins } = await containerd.call(services.plugins, { filters: [`type==io.containerd.snapshotter.v1,id==${name}`] })
  const keys: string[] = []
  for await (const { info } of containerd.stream(services.snapshots, { snapshotter: name })) keys.push(...info.map((entry) => entry.name))
  const usages = await Promise.all(keys.map((key) => containerd.call(services.snapshotUsage, { snapshotter: name, key }).catch(() => ({ size: 0, inodes: 0 }))))
  return { mountpoint: plugins[0]?.exports.root ?? '', usedBytes: usages.reduce((sum, { size }) => sum + size, 0), inodesUsed: usages.reduce((sum, { inodes }) => sum + inodes, 0) }
}
