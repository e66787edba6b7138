// Mounts on this machine, through mount(8) and the kernel's table.
import { spawn } from 'node:child_process'
import { mkdir, readFile } from 'node:fs/promises'

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
    await run('mount', ['-t', type, ...(options.length ? ['-o', options.join(',')] : []), source, target])
  },
  unmount: (target) => run('umount', [target]).catch(() => run('umount', ['-l', target])),
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

function run(command: string, args: string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ['ignore', 'ignore', 'pipe'] })
    let output = ''
    child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()))
    child.on('error', reject)
    child.on('close', (code) => (code === 0 ? resolve() : reject(new Error(`${command} ${args.join(' ')}: ${output.trim() || `exit status ${code}`}`))))
  })
}
