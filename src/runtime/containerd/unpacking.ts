// containerd syncs what it downloads, but neither its name nor what it unpacks: after a power cut it believes in files that are empty or not there.
// So a mark lies on the disk from before an image comes in until all of it is synced. What is done about a mark of an earlier boot: `distrusted.ts`.
import { randomUUID } from 'node:crypto'
import { closeSync, mkdirSync, openSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { syncDirectory } from '../../base/sync-directory.ts'
import { run } from '../../base/child-process.ts'
import { commandLineOf } from '../../base/processes.ts'
import type { Logger } from '../../base/logger.ts'
import type { ContainerRuntime } from '../container-runtime.ts'
import type { ContainerdPaths } from './paths.ts'

type Paths = Pick<ContainerdPaths, 'root' | 'unpacking'>

interface UnpackingMark {
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

export async function syncFileSystem(path: string): Promise<void> {
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
