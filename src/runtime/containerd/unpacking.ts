// containerd syncs what it downloads, not what it unpacks: after a power cut it believes in layers whose files are empty. So a mark lies on
// the disk from before something is unpacked until all of it is synced. A mark of an earlier boot says that no unpacked layer can be
// trusted; they are removed then, and containerd unpacks them anew, from what it has downloaded, when a container needs them.
import { randomUUID } from 'node:crypto'
import { closeSync, mkdirSync, openSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { syncDirectory } from '../../base/sync-directory.ts'
import { commandLineOf, run } from '../../base/child-process.ts'
import type { Logger } from '../../base/logger.ts'
import type { ContainerRuntime } from '../container-runtime.ts'
import type { ContainerdPaths } from './paths.ts'

type Paths = Pick<ContainerdPaths, 'root' | 'unpacking'>

export interface UnpackingMark {
  /** Syncs what was unpacked, and takes the mark away. */
  settle(): Promise<void>
}

const syncMilliseconds = 15 * 60_000
const readBootId = (): string => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()

export function markUnpacking(paths: Paths): UnpackingMark {
  const path = join(paths.unpacking, `${readBootId()}.${process.pid}.${randomUUID()}`)
  mkdirSync(paths.unpacking, { recursive: true, mode: 0o700 })
  closeSync(openSync(path, 'w', 0o600))
  syncDirectory(paths.unpacking)
  return {
    async settle() {
      await syncFileSystem(paths.root)
      rmSync(path, { force: true })
    },
  }
}

async function syncFileSystem(path: string): Promise<void> {
  const { code, stderr } = await run('sync', ['--file-system', path], { timeoutMilliseconds: syncMilliseconds })
  if (code !== 0) throw new Error(`${path} could not be synced: ${stderr.trim()}`)
}

/** Pulls leave their mark until what they brought is synced, which nobody waits for. */
export function settlingPulls(runtime: ContainerRuntime, paths: Paths, log: Logger): ContainerRuntime {
  const pullImage: ContainerRuntime['pullImage'] = async (...request) => {
    const mark = markUnpacking(paths)
    const settle = () => void mark.settle().catch((error: Error) => log.warn('an image could not be synced', { error }))
    return runtime.pullImage(...request).finally(settle)
  }
  return { ...runtime, pullImage }
}

interface Leftovers {
  /** The machine went down while something was unpacked. */
  distrusted: string[]
  /** A process of this boot has ended meanwhile. */
  unsynced: string[]
}

export function leftMarks({ unpacking }: Pick<Paths, 'unpacking'>, bootId = readBootId()): Leftovers {
  mkdirSync(unpacking, { recursive: true, mode: 0o700 })
  const names = readdirSync(unpacking)
  const distrusted = names.filter((name) => !name.startsWith(`${bootId}.`))
  const unsynced = names.filter((name) => !distrusted.includes(name) && commandLineOf(Number(name.split('.')[1])) === undefined)
  return { distrusted, unsynced }
}

/** Before anything of this boot was started: removes unpacked layers that cannot be trusted. */
export async function settleLeftMarks(options: { ctr: string; paths: Paths & Pick<ContainerdPaths, 'socket'>; snapshotter: string; log: Logger }): Promise<void> {
  const { ctr, paths, snapshotter, log } = options
  const { distrusted, unsynced } = leftMarks(paths)
  if (distrusted.length > 0) {
    const ctrSnapshots = (...args: string[]) => run(ctr, ['--address', paths.socket, '--namespace', 'k8s.io', 'snapshots', '--snapshotter', snapshotter, ...args], { timeoutMilliseconds: syncMilliseconds })
    const keys = childrenFirst((await ctrSnapshots('list')).stdout)
    log.warn('the machine went down while images were unpacked: all of them are unpacked anew when they are needed', { layers: keys.length })
    const { code, stderr } = keys.length > 0 ? await ctrSnapshots('remove', ...keys) : { code: 0, stderr: '' }
    if (code !== 0) throw new Error(`unpacked images could not be removed: ${stderr.trim().split('\n').at(-1)}`)
  }
  if (unsynced.length > 0) await syncFileSystem(paths.root)
  for (const name of [...distrusted, ...unsynced]) rmSync(join(paths.unpacking, name), { force: true })
}

/** `table` as `ctr snapshots list` prints it: key, parent (which may be missing), kind. */
export function childrenFirst(table: string): string[] {
  const rows = table.split('\n').slice(1).map((line) => line.trim().split(/\s+/)).filter((words) => words.length > 1)
  const parents = new Map(rows.map((words) => [words[0]!, words.length > 2 ? words[1]! : undefined]))
  const depth = (key: string | undefined): number => (key !== undefined && parents.has(key) ? 1 + depth(parents.get(key)) : 0)
  return [...parents.keys()].sort((a, b) => depth(b) - depth(a))
}
