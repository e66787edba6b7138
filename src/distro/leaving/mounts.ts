// What is mounted below a directory, and its end.
import { run } from '../../base/child-process.ts'
import { readIfThere } from '../../base/read-file.ts'

/** Mount points below these directories, in the order they were mounted. One of the directories itself may be a mount point of the administrator's. */
export function mountsBelow(directories: readonly string[], table = readIfThere('/proc/self/mounts')): string[] {
  const points = table.split('\n').map((line) => (line.split(' ')[1] ?? '').replace(/\\([0-7]{3})/g, (_all, octal: string) => String.fromCharCode(parseInt(octal, 8))))
  return points.filter((point) => directories.some((directory) => point.startsWith(`${directory}/`)))
}

/** Last mounted first; several that lie over each other go one by one. @returns how many have gone. */
export async function unmountBelow(directories: readonly string[]): Promise<number> {
  const before = mountsBelow(directories)
  for (const point of before.toReversed()) await run('umount', ['--lazy', point], { timeoutMilliseconds: 30_000 })
  return before.length - mountsBelow(directories).length
}
