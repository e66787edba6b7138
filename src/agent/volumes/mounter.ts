// Mounts on this machine, through mount(8) and the kernel's table.
import { mkdir, readFile } from 'node:fs/promises'
import { run } from '../../base/child-process.ts'

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
    const points = (await table()).map(({ target }) => target)
    return points.filter((p) => p === directory || p.startsWith(`${directory}/`)).sort((a, b) => b.length - a.length)
  },
  async typeAt(target) {
    return (await table()).findLast((m) => m.target === target)?.type
  },
}

async function table(): Promise<{ target: string; type: string }[]> {
  const lines = (await readFile('/proc/self/mountinfo', 'utf8')).split('\n').filter(Boolean)
  return lines.map((line) => {
    const [before = '', after = ''] = line.split(' - ')
    const target = (before.split(' ')[4] ?? '').replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)))
    return { target, type: after.split(' ')[0] ?? '' }
  })
}

async function mustRun(command: string, args: readonly string[]): Promise<void> {
  const { code, stderr } = await run(command, args)
  if (code !== 0) throw new Error(`${command} ${args.join(' ')}: ${stderr.trim() || `exit status ${code}`}`)
}
