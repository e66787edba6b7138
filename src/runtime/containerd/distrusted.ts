// What cannot be trusted after the machine went down while an image came in. Unpacked layers: all go, and containerd unpacks them anew, from what it
// has downloaded, when a container needs them. What was downloaded: containerd syncs it, but not its name, and never fetches again what its records
// have. So records of what is not there go, with the images that need it; nobody was told yet that such an import is done, and pods pull again.
import { existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { run } from '../../base/child-process.ts'
import type { Logger } from '../../base/logger.ts'
import { removeImage } from './images.ts'
import type { ContainerdPaths } from './paths.ts'
import { leftMarks, syncFileSystem } from './unpacking.ts'

type Ctr = (...args: string[]) => Promise<{ code: number; stdout: string; stderr: string }>

interface Settle {
  /** The program. */
  ctr: string
  paths: Pick<ContainerdPaths, 'root' | 'unpacking' | 'socket'>
  snapshotter: string
  log: Logger
}

const ctrMilliseconds = 15 * 60_000

/** Before anything of this boot was started. */
export async function settleLeftMarks({ ctr: program, paths, snapshotter, log }: Settle): Promise<void> {
  const { distrusted, unsynced } = leftMarks(paths)
  if (distrusted.length > 0) {
    const ctr: Ctr = (...args) => run(program, ['--address', paths.socket, '--namespace', 'k8s.io', ...args], { timeoutMilliseconds: ctrMilliseconds })
    log.warn('the machine went down while images were unpacked: all of them are unpacked anew when they are needed')
    await removeSnapshots((...args) => ctr('snapshots', '--snapshotter', snapshotter, ...args))
    const images = await removeLostContent(ctr, paths)
    if (images.length > 0) log.warn('a part of what was downloaded is lost: images that need it have to be pulled or imported again', { images })
  }
  if (unsynced.length > 0) await syncFileSystem(paths.root)
  for (const name of [...distrusted, ...unsynced]) rmSync(join(paths.unpacking, name), { force: true })
}

/** Looks again when one has gone meanwhile: containerd collects what nobody holds any more at the same time. */
export async function removeSnapshots(snapshots: Ctr): Promise<void> {
  for (let before: string | undefined; ; ) {
    const list = await snapshots('list')
    const keys = childrenFirst(list.stdout)
    const { code, stderr } = list.code === 0 && keys.length > 0 ? await snapshots('remove', ...keys) : list
    if (code === 0) return
    if (list.stdout === before || list.code !== 0) throw new Error(`unpacked images could not be removed: ${lastLine(stderr)}`)
    before = list.stdout
  }
}

/** `table` as `ctr snapshots list` prints it: key, parent (which may be missing), kind. */
export function childrenFirst(table: string): string[] {
  const rows = table.split('\n').slice(1).map((line) => line.trim().split(/\s+/)).filter((words) => words.length > 1)
  const parents = new Map(rows.map((words) => [words[0]!, words.length > 2 ? words[1]! : undefined]))
  const depth = (key: string | undefined): number => (key !== undefined && parents.has(key) ? 1 + depth(parents.get(key)) : 0)
  return [...parents.keys()].sort((a, b) => depth(b) - depth(a))
}

/** @returns names of images that are gone with it. */
async function removeLostContent(ctr: Ctr, { root, socket }: Settle['paths']): Promise<string[]> {
  const content = await must(ctr('content', 'list'))
  const isThere = (digest: string) => existsSync(join(root, 'io.containerd.content.v1.content/blobs', digest.replace(':', '/')))
  const { lost, needing } = lostContent(content, isThere)
  if (lost.length === 0) return []
  const images = (await must(ctr('images', 'list'))).split('\n').flatMap((line) => {
    const [, name, digest] = /^(\S+)\s+\S+\s+(sha256:\S+)/.exec(line) ?? []
    return name && needing.has(digest!) ? [name] : []
  })
  // the CRI plug-in knows images by itself; what it could not read it does not know
  for (const name of images) await removeImage(socket, name).catch(() => undefined)
  if (images.length > 0) await must(ctr('images', 'remove', ...images))
  await must(ctr('content', 'delete', ...lost))
  return images
}

/** `table` as `ctr content list` prints it: digest, size, age, labels. `needing`: what is lost, and what refers to it. */
export function lostContent(table: string, isThere: (digest: string) => boolean): { lost: string[]; needing: Set<string> } {
  const rows = table.split('\n').filter((line) => line.startsWith('sha256:'))
  const references = new Map(rows.map((line) => [/^\S+/.exec(line)![0], [...line.matchAll(/containerd\.io\/gc\.ref\.content[^=,]*=(sha256:[0-9a-f]+)/g)].map(([, digest]) => digest!)]))
  const lost = [...references.keys()].filter((digest) => !isThere(digest))
  const needsLost = (digest: string): boolean => lost.includes(digest) || (references.get(digest) ?? []).some(needsLost)
  return { lost, needing: new Set([...references.keys()].filter(needsLost)) }
}

async function must(running: ReturnType<Ctr>): Promise<string> {
  const { code, stdout, stderr } = await running
  if (code !== 0) throw new Error(`what was lost of images could not be found out: ${lastLine(stderr)}`)
  return stdout
}

const lastLine = (text: string): string => text.trim().split('\n').at(-1) ?? ''
