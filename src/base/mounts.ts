// What is mounted, as the kernel tells it (proc_pid_mountinfo(5)).
import { run } from './child-process.ts'
import { readIfThere } from './read-file.ts'

export interface Mount {
  /** Which directory of its file system is to be seen. */
  root: string
  point: string
  options: string[]
  /** `shared:N`, `master:N`: whether later mounts spread from here and to here. */
  propagation: string[]
  type: string
  /** Those of the file system, joined by commas. */
  fileSystemOptions: string
}

/** In the order they were mounted. */
export function mounts(table = readIfThere('/proc/self/mountinfo')): Mount[] {
  return table.split('\n').filter(Boolean).map((line) => {
    const [before = '', after = ''] = line.split(' - ')
    const [, , , root = '', point = '', options = '', ...propagation] = before.split(' ').map(unescape)
    const [type = '', , fileSystemOptions = ''] = after.split(' ').map(unescape)
    return { root, point, options: options.split(','), propagation, type, fileSystemOptions }
  })
}

const unescape = (word: string) => word.replace(/\\([0-7]{3})/g, (_all, octal: string) => String.fromCharCode(parseInt(octal, 8)))

export const isMounted = (point: string): boolean => mounts().some((mount) => mount.point === point)

/** The last one at the longest point that leads to `path`. */
export function nearestMount(path: string, among = mounts()): Mount | undefined {
  const leading = among.filter(({ point }) => path === point || path.startsWith(point === '/' ? '/' : `${point}/`))
  const longest = Math.max(...leading.map(({ point }) => point.length))
  return leading.findLast(({ point }) => point.length === longest)
}

/** Points in the order they were mounted. One of the directories itself may be a mount point of the administrator's. */
export function mountsBelow(directories: readonly string[], table?: string): string[] {
  return mounts(table).map(({ point }) => point).filter((point) => directories.some((directory) => point.startsWith(`${directory}/`)))
}

/** Last mounted first; several that lie over each other go one by one. @returns how many have gone. */
export async function unmountBelow(directories: readonly string[]): Promise<number> {
  const before = mountsBelow(directories)
  for (const point of before.toReversed()) await run('umount', ['--lazy', point], { timeoutMilliseconds: 30_000 })
  return before.length - mountsBelow(directories).length
}
