// Images as volumes for a containerd that cannot mount them itself (before 2.1): the image is mounted read-only beside containerd's state, once a
// sandbox, and goes with the sandbox. After a reboot nothing is mounted and the directories are empty: sandboxes are gone, too.
import { createHash } from 'node:crypto'
import { mkdir, readdir, realpath, rmdir } from 'node:fs/promises'
import { join } from 'node:path'
import { run, type RunResult } from '../../base/child-process.ts'
import { isMounted } from '../../base/mounts.ts'
import { RuntimeError, type ImageMounts } from '../container-runtime.ts'
import { findPrograms } from './host.ts'
import { readSnapshotter } from './images.ts'

interface ImageMountOptions {
  socket: string
  /** Below containerd's state: gone after a reboot. */
  directory: string
}

const timeoutMilliseconds = 120_000

export function createImageMounts({ socket, directory }: ImageMountOptions): ImageMounts {
  const underWay = new Map<string, Promise<string>>()
  const ctr = async (...args: string[]) => run(findPrograms().ctr, ['--address', socket, '--namespace', 'k8s.io', ...args], { timeoutMilliseconds })

  async function mount(image: string, target: string): Promise<string> {
    if (isMounted(target)) return target
    await mkdir(target, { recursive: true, mode: 0o711 })
    const snapshotter = await readSnapshotter(socket)
    // `ctr` would make a lease of that name that ends after a day, and then the layers go with their image though they are mounted; it takes the one that is there
    await ctr('leases', 'create', '--id', target, '--expires', '0', `containerd.io/gc.ref.snapshot.${snapshotter}=${target}`)
    const { code, stderr } = await ctr('images', 'mount', '--snapshotter', snapshotter, image, target)
    if (code !== 0) throw new RuntimeError('Unknown', `failed to mount image ${image}: ${lastLine(stderr)}`)
    return target
  }

  return {
    async mount(sandboxId, image, path) {
      const target = join(directory, sandboxId, createHash('sha256').update(image).digest('hex').slice(0, 16))
      const current = underWay.get(target) ?? mount(image, target).finally(() => underWay.delete(target))
      underWay.set(target, current)
      return resolveWithin(await current, path)
    },
    async release(sandboxId) {
      const own = join(directory, sandboxId)
      const names = await readdir(own).catch((): string[] => [])
      if (names.length === 0) return
      // Also removes the lease and the snapshot that the mount was made of; what is not mounted is no failure.
      for (const name of names) {
        await ctr('images', 'unmount', '--snapshotter', await readSnapshotter(socket), '--rm', join(own, name))
        await rmdir(join(own, name)).catch(() => undefined)
      }
      await rmdir(own).catch(() => undefined)
    },
  }
}

async function resolveWithin(root: string, path: string): Promise<string> {
  const found = await realpath(join(root, path)).catch(() => undefined)
  if (found === undefined) throw new RuntimeError('NotFound', `path ${JSON.stringify(path)} is not in the image`)
  const base = await realpath(root)
  if (found !== base && !found.startsWith(`${base}/`)) throw new RuntimeError('InvalidArgument', `path ${JSON.stringify(path)} leads out of the image`)
  return found
}

const lastLine = (text: RunResult['stderr']) => text.trim().split('\n').at(-1)?.replace(/^ctr: /, '') ?? ''
