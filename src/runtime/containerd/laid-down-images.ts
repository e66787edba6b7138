// Archives laid down beside the data are imported at start, and never collected: no registry may have their images. One that is broken does not hold up the others.
//
// An archive is read once: what it brought is written down, and it is read again when it is another file or when one of its images is not there any more.
import { existsSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { run } from '../../base/child-process.ts'
import type { Logger } from '../../base/logger.ts'
import { readText } from '../../base/read-file.ts'
import { writeAtomically } from '../../pki/files.ts'
import { pinnedLabel } from '../container-runtime.ts'
import { importArchive } from './images.ts'
import type { ContainerdPaths } from './paths.ts'

interface Imported {
  bytes: number
  /** Milliseconds since 1970. */
  modified: number
  images: readonly string[]
}

export async function importDirectory(ctr: string, paths: ContainerdPaths, log: Logger): Promise<void> {
  if (!existsSync(paths.images)) return
  const before = read(paths.imported)
  const present = new Set(before.size > 0 ? (await ask(ctr, paths, 'images', 'list', '--quiet')).split('\n') : [])
  const now = new Map<string, Imported>()
  for (const archive of readdirSync(paths.images).filter((file) => /\.tar(\.gz|\.zst)?$|\.tgz$/.test(file)).sort()) {
    const path = join(paths.images, archive)
    try {
      const { size: bytes, mtimeMs: modified } = statSync(path)
      const known = before.get(archive)
      if (known?.bytes === bytes && known.modified === modified && known.images.length > 0 && known.images.every((name) => present.has(name))) {
        now.set(archive, known)
        continue
      }
      const images = await importArchive(ctr, paths, path)
      for (const image of images) await ask(ctr, paths, 'images', 'label', image, `${pinnedLabel.key}=${pinnedLabel.value}`)
      now.set(archive, { bytes, modified, images })
      log.info('images are imported', { archive, images })
    } catch (error) {
      log.error('an archive of images could not be imported', { archive, error })
    }
  }
  const text = JSON.stringify(Object.fromEntries(now))
  if (text !== JSON.stringify(Object.fromEntries(before))) writeAtomically(paths.imported, text)
}

/** What cannot be read is not known: the archives are read once more. */
function read(path: string): Map<string, Imported> {
  try {
    return new Map(Object.entries(JSON.parse(readText(path) ?? '{}') as Record<string, Imported>))
  } catch {
    return new Map()
  }
}

async function ask(ctr: string, { socket }: ContainerdPaths, ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await run(ctr, ['--address', socket, '--namespace', 'k8s.io', ...args], { timeoutMilliseconds: 60_000 })
  if (code !== 0) throw new Error(`ctr ${args.slice(0, 2).join(' ')}: ${stderr.trim().split('\n').at(-1)}`)
  return stdout
}
