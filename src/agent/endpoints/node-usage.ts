// What the machine as a whole uses, from /proc and the root control group.
import { readFile, statfs } from 'node:fs/promises'
import { parseMemory } from '../eviction/observe.ts'

interface FilesystemFigures {
  capacityBytes: number
  availableBytes: number
  usedBytes: number
  inodes: number
  inodesFree: number
  inodesUsed: number
}

interface NodeUsage {
  cpuNanoseconds: number
  memoryWorkingSetBytes: number
  memoryUsageBytes: number
  memoryAvailableBytes: number
  network: NetworkFigures[]
  processes: number
}

export interface NetworkFigures {
  name: string
  rxBytes: number
  rxErrors: number
  txBytes: number
  txErrors: number
}

export async function readNodeUsage(): Promise<NodeUsage> {
  const [stat, memory, network, load, routes] = await Promise.all(['/proc/stat', '/proc/meminfo', '/proc/net/dev', '/proc/loadavg', '/proc/net/route'].map((path) => readFile(path, 'utf8')))
  const { total, free, workingSet } = parseMemory(memory!)
  return {
    cpuNanoseconds: parseCpu(stat!), memoryWorkingSetBytes: workingSet, memoryUsageBytes: total - free, memoryAvailableBytes: total - workingSet, network: defaultFirst(parseNetwork(network!), routes!),
    processes: Number(/\/(\d+) /.exec(load!)?.[1] ?? 0),
  }
}

/** All but idle and waiting, in nanoseconds; the kernel counts in hundredths of a second. */
function parseCpu(stat: string): number {
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0, steal = 0] = (/^cpu\s+(.*)$/m.exec(stat)?.[1] ?? '').split(/\s+/).map(Number)
  return (user + nice + system + irq + softirq + steal) * 10_000_000
}

/** Text of /proc/net/dev, without the loopback interface. */
function parseNetwork(text: string): NetworkFigures[] {
  return [...text.matchAll(/^\s*([^:\s]+):\s*(.*)$/gm)].flatMap(([, name = '', figures = '']) => {
    const n = figures.split(/\s+/).map(Number)
    return name === 'lo' ? [] : [{ name, rxBytes: n[0] ?? 0, rxErrors: n[2] ?? 0, txBytes: n[8] ?? 0, txErrors: n[10] ?? 0 }]
  })
}

/** The interface of the default route stands for the node. `routes`: text of /proc/net/route. */
function defaultFirst(interfaces: NetworkFigures[], routes: string): NetworkFigures[] {
  const chosen = /^(\S+)\s+00000000\s/m.exec(routes)?.[1]
  return interfaces.toSorted((a, b) => Number(b.name === chosen) - Number(a.name === chosen))
}

/** As the processes of `pid`'s network namespace see their interfaces. */
export const readNetworkOf = async (pid: number): Promise<NetworkFigures[]> => parseNetwork(await readFile(`/proc/${pid}/net/dev`, 'utf8').catch(() => ''))

export async function readFilesystem(path: string): Promise<FilesystemFigures> {
  const { bsize, blocks, bavail, bfree, files, ffree } = await statfs(path)
  return { capacityBytes: blocks * bsize, availableBytes: bavail * bsize, usedBytes: (blocks - bfree) * bsize, inodes: files, inodesFree: ffree, inodesUsed: files - ffree }
}
