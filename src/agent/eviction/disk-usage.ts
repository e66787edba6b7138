// Disk that a directory takes up, as du(1) counts it: blocks, each hard-linked file once, other file systems left out. One file after the other, so that
// a large tree costs time and not the machine.
import { lstat, opendir } from 'node:fs/promises'
import { join } from 'node:path'
import type { DiskUsage } from './usage.ts'

/** What vanishes meanwhile counts for nothing. */
export async function diskUsage(directory: string): Promise<DiskUsage> {
  const top = await lstat(directory).catch(() => undefined)
  const sum: DiskUsage = { bytes: 0, inodes: 0 }
  const linked = new Set<number>()
  if (top) await add(directory)
  return sum

  async function add(path: string): Promise<void> {
    const found = await lstat(path).catch(() => undefined)
    if (!found || found.dev !== top!.dev) return
    if (found.nlink > 1 && !found.isDirectory()) {
      if (linked.has(found.ino)) return
      linked.add(found.ino)
    }
    sum.bytes += found.blocks * 512
    sum.inodes++
    if (!found.isDirectory()) return
    const entries = await opendir(path).catch(() => undefined)
    if (entries) for await (const { name } of entries) await add(join(path, name))
  }
}
