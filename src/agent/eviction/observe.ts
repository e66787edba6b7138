// What is left on this machine, by signal.
import { readFile, stat, statfs } from 'node:fs/promises'
import type { Observation, Observations, Signal } from './thresholds.ts'

interface Places {
  /** State of pods: `nodefs`. */
  root: string
  /** Images and writable layers: `imagefs`; undefined while the runtime has not said. */
  images: string | undefined
}

export async function observe({ root, images = root }: Places): Promise<Observations> {
  const [memory, nodefs, imagefs, pid] = await Promise.all([observeMemory(), observeDisk(root), observeDisk(images), observeProcesses()])
  return new Map<Signal, Observation>([
    ['memory.available', memory], ['nodefs.available', nodefs.bytes], ['nodefs.inodesFree', nodefs.inodes], ['imagefs.available', imagefs.bytes], ['imagefs.inodesFree', imagefs.inodes],
    ['pid.available', pid],
  ].filter(([, observed]) => (observed as Observation).capacity > 0) as [Signal, Observation][])
}

/** Images and writable layers have a disk of their own. */
export async function isSeparate({ root, images = root }: Places): Promise<boolean> {
  const [node, image] = await Promise.all([stat(root), stat(images)])
  return node.dev !== image.dev
}

async function observeMemory(): Promise<Observation> {
  const { total, workingSet } = parseMemory(await readFile('/proc/meminfo', 'utf8'))
  return { available: total - workingSet, capacity: total }
}

/** In bytes. What is free or holds files not lately used counts as available, as upstream computes it for the root cgroup. `text` of /proc/meminfo. */
export function parseMemory(text: string): { total: number; free: number; workingSet: number } {
  const bytes = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(text)?.[1] ?? 0) * 1024
  const [total, free] = [bytes('MemTotal'), bytes('MemFree')]
  return { total, free, workingSet: Math.max(0, total - free - bytes('Inactive\\(file\\)')) }
}

async function observeDisk(path: string): Promise<{ bytes: Observation; inodes: Observation }> {
  const { bsize, blocks, bavail, files, ffree } = await statfs(path)
  return { bytes: { available: bavail * bsize, capacity: blocks * bsize }, inodes: { available: ffree, capacity: files } }
}

async function observeProcesses(): Promise<Observation> {
  const [most, threads, load] = await Promise.all(['/proc/sys/kernel/pid_max', '/proc/sys/kernel/threads-max', '/proc/loadavg'].map((path) => readFile(path, 'utf8')))
  const capacity = Math.min(Number(most), Number(threads))
  return { available: capacity - Number(/\/(\d+) /.exec(load!)?.[1] ?? 0), capacity }
}
