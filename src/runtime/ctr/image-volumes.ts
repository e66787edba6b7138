// What an image declares as VOLUME: a directory beside the container's layers with what the image has there, which lives as long as the container.
import { existsSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { run } from '../../base/child-process.ts'
import { RuntimeError, type MountSpec } from '../container-runtime.ts'
import { pathInRoot } from './path-in-root.ts'

interface ImageVolumes {
  /** Of the container's root file system, mounted. */
  root: string
  /** Of the image's configuration. */
  volumes: Record<string, unknown> | undefined
  /** The pod's own, which come in place of the image's. */
  mounts: readonly MountSpec[]
  /** Of this container's own, on the disk. */
  directory: string
}

export async function makeImageVolumes({ root, volumes, mounts, directory }: ImageVolumes): Promise<MountSpec[]> {
  const taken = new Set(mounts.map(({ containerPath }) => resolve(containerPath)))
  const wanted = Object.keys(volumes ?? {}).map((path) => resolve('/', path)).filter((path) => !taken.has(path))
  return Promise.all(wanted.map(async (containerPath, index) => {
    const hostPath = join(directory, String(index))
    await mkdir(hostPath, { recursive: true, mode: 0o755 })
    const source = await pathInRoot(root, containerPath)
    if (existsSync(source)) {
      const { code, stderr } = await run('cp', ['--archive', '--', `${source}/.`, hostPath])
      if (code !== 0) throw new RuntimeError('Unknown', `failed to copy the image's ${containerPath}: ${stderr.trim()}`)
    }
    return { containerPath, hostPath, readonly: false, propagation: 'private' as const }
  }))
}
