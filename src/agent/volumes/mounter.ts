// Mounts on this machine, through mount(8) and the kernel's table.
import { mkdir } from 'node:fs/promises'
import { run } from '../../base/child-process.ts'
import { mounts } from '../../base/mounts.ts'

interface MountRequest {
  type: string
  source: string
  target: string
  options: readonly string[]
}

export interface Mounter {
  mount(request: MountRequest): Promise<void>
  unmount(target: string): Promise<void>
  /** Mount points at `directory` and below, deepest first. */
  below(directory: string): Promise<string[]>
  /** Type of the file system mounted exactly there. */
  typeAt(target: string): Promise<string | undefined>
}

export const systemMounter: Mounter = {
  async mount({ type, source, target, options }) {
    await mkdir(target, { recursive: true, mode: 0o750 })
    await mustRun('mount', ['-t', type, ...(options.length ? ['-o', options.join(',')] : []), source, target])
  },
  unmount: (target) => mustRun('umount', [target]).catch(() => mustRun('umount', ['-l', target])),
  async below(directory) {
    const points = mounts().map(({ point }) => point)
    return points.filter((p) => p === directory || p.startsWith(`${directory}/`)).sort((a, b) => b.length - a.length)
  },
  async typeAt(target) {
    return mounts().findLast(({ point }) => point === target)?.type
  },
}

async function mustRun(command: string, args: readonly string[]): Promise<void> {
  const { code, stderr } = await run(command, args)
  if (code !== 0) throw new Error(`${command} ${args.join(' ')}: ${stderr.trim() || `exit status ${code}`}`)
}
