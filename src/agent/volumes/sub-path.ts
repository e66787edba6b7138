// A path inside a volume, which the pod's own processes may be changing meanwhile. A symbolic link that leads out is refused.
// What is checked is an open descriptor: the path given to the runtime is where that really is.
import { constants, existsSync } from 'node:fs'
import { mkdir, open, readlink, realpath, stat } from 'node:fs/promises'
import { dirname, join, sep } from 'node:path'
import type { VolumeMount } from '../../api/generated/types.ts'
import { ConfigError } from '../container/environment.ts'

interface SubPathInput {
  root: string
  subPath: string
  mount: VolumeMount
  container: string
}

const inside = (root: string, path: string) => path === root || path.startsWith(root + sep)

/** The real path; directories that are missing are made. Rejects with ConfigError. */
export async function resolveSubPath({ root, subPath, mount, container }: SubPathInput): Promise<string> {
  const top = await realpath(root)
  const wanted = join(top, subPath)
  const where = `for volumeMount ${JSON.stringify(mount.name)} of container ${JSON.stringify(container)}`
  if (!existsSync(wanted)) {
    await makeInside(top, wanted).catch(() => {
      throw new ConfigError(`failed to create subPath directory ${where}`)
    })
  }
  const failed = () => new ConfigError(`failed to prepare subPath ${where}`)
  const file = await open(wanted, constants.O_RDONLY | constants.O_NONBLOCK).catch(() => undefined)
  if (!file) {
    const real = await realpath(wanted).catch(() => '')
    if (!inside(top, real)) throw failed()
    return real
  }
  try {
    const real = await readlink(`/proc/self/fd/${file.fd}`)
    if (!inside(top, real)) throw failed()
    return real
  } finally {
    await file.close()
  }
}

async function makeInside(top: string, wanted: string): Promise<void> {
  const mode = (await stat(top)).mode & 0o7777
  const missing: string[] = []
  let at = wanted
  while (!existsSync(at)) {
    missing.unshift(at)
    at = dirname(at)
  }
  if (!inside(top, await realpath(at))) throw new Error('leads out of the volume')
  for (const directory of missing) {
    await mkdir(directory)
    const file = await open(directory, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW)
    await file.chmod(mode)
    await file.close()
  }
}
