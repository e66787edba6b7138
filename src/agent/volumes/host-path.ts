// A path of this machine, made or checked as its type says.
import { mkdir, stat, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Stats } from 'node:fs'
import type { OpenVolumeOf } from './plugin.ts'
import { VolumeError } from './volume.ts'

export const openHostPath: OpenVolumeOf = async ({ volume }) => {
  const { path, type = '' } = volume.hostPath!
  await checkHostPath(path, type)
  return { path, readOnly: false }
}

const checks: Record<string, { fits(stats: Stats): boolean; wanted: string }> = {
  Directory: { fits: (s) => s.isDirectory(), wanted: 'a directory' },
  File: { fits: (s) => s.isFile(), wanted: 'a file' },
  Socket: { fits: (s) => s.isSocket(), wanted: 'a socket file' },
  CharDevice: { fits: (s) => s.isCharacterDevice(), wanted: 'a character device' },
  BlockDevice: { fits: (s) => s.isBlockDevice(), wanted: 'a block device' },
}

/** Rejects with VolumeError. */
export async function checkHostPath(path: string, type: string): Promise<void> {
  if (type === '') return
  if (type === 'DirectoryOrCreate') await mkdir(path, { recursive: true, mode: 0o755 }).catch(() => {})
  if (type === 'FileOrCreate' && !(await stat(path).catch(() => undefined))) {
    await stat(dirname(path)).then(() => writeFile(path, '', { mode: 0o644 })).catch(() => {})
  }
  const check = checks[type.replace('OrCreate', '')]
  if (!check) throw new VolumeError(`${type} is an invalid volume type`)
  const stats = await stat(path).catch(() => undefined)
  if (!stats || !check.fits(stats)) throw new VolumeError(`hostPath type check failed: ${path} is not ${check.wanted}`)
}
