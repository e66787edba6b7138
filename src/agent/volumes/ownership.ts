// The group that a pod's volumes belong to (source: k8s.io/kubernetes pkg/volume SetVolumeOwnership).
import { chmod, lchown, lstat, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { PodSecurityContext } from '../../api/generated/types.ts'

export async function giveToGroup(path: string, context: PodSecurityContext | undefined): Promise<void> {
  const group = context?.fsGroup
  if (group === undefined) return
  if (context?.fsGroupChangePolicy === 'OnRootMismatch') {
    const root = await lstat(path)
    if (root.gid === group && (root.mode & 0o2070) === 0o2070) return
  }
  await give(path, group)
}

async function give(path: string, group: number): Promise<void> {
  const facts = await lstat(path)
  await lchown(path, facts.uid, group)
  if (facts.isSymbolicLink()) return
  await chmod(path, (facts.mode & 0o7777) | (facts.isDirectory() ? 0o2770 : 0o660))
  if (facts.isDirectory()) for (const name of await readdir(path)) await give(join(path, name), group)
}
