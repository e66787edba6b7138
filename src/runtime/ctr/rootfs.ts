// A container's root file system: a snapshot of its image's layers, made by `ctr` and mounted here, because `ctr containers create --config` takes a directory.
import { mkdir, rm } from 'node:fs/promises'
import { dirname, sep } from 'node:path'
import { run } from '../../base/child-process.ts'
import { isMounted } from '../../base/mounts.ts'
import { RuntimeError } from '../container-runtime.ts'
import { isNotFound } from '../cri/connection.ts'
import type { Containerd } from './containerd.ts'
import { unlessNotFound, type Images, type KnownImage } from './images.ts'

interface SnapshotMount {
  Type: string
  Source: string
  Options: string[]
}

interface RootfsOptions {
  containerd: Containerd
  images: Images
  snapshotter: string
  image: KnownImage
  key: string
  target: string
}

export async function mountRootfs({ containerd, images, snapshotter, image, key, target }: RootfsOptions): Promise<void> {
  const prepare = async () => JSON.parse(await containerd.ctr(['snapshots', '--snapshotter', snapshotter, 'prepare', '--mounts', key, image.chainId])) as SnapshotMount[]
  const mounts = await prepare().catch(async (error: unknown) => {
    if (!isNotFound(error)) throw error
    await images.unpack(image)
    return prepare()
  })
  await mkdir(target, { recursive: true, mode: 0o711 })
  for (const mount of mounts) await mountOne(mount, target)
}

export async function removeRootfs({ containerd, snapshotter, key, target }: Pick<RootfsOptions, 'containerd' | 'snapshotter' | 'key' | 'target'>): Promise<void> {
  await unmount(target)
  await unlessNotFound(containerd.ctr(['snapshots', '--snapshotter', snapshotter, 'rm', key]))
}

/** The kernel takes one page of options: the directories of many layers fit when they are named from the one they share. */
async function mountOne({ Type, Source, Options }: SnapshotMount, target: string): Promise<void> {
  const lower = Options.find((option) => option.startsWith('lowerdir='))?.slice('lowerdir='.length).split(':') ?? []
  const directory = lower.length > 1 ? commonDirectory(lower) : '/'
  const options = directory === '/' ? Options : Options.map((option) => option.replaceAll(`${directory}/`, ''))
  await mountAt(['-t', Type === 'bind' ? 'none' : Type, '-o', options.join(','), Source, target], directory)
}

function commonDirectory(paths: readonly string[]): string {
  let common = dirname(paths[0]!)
  while (common !== sep && !paths.every((path) => path.startsWith(`${common}/`))) common = dirname(common)
  return common
}

export async function mountAt(args: readonly string[], directory = '/'): Promise<void> {
  const { code, stderr } = await run('mount', args, { timeoutMilliseconds: 30_000, directory })
  if (code !== 0) throw new RuntimeError('Unknown', `failed to mount ${args.at(-1)}: ${stderr.trim()}`)
}

export async function unmount(target: string): Promise<void> {
  while (isMounted(target)) {
    const { code, stderr } = await run('umount', ['--lazy', target], { timeoutMilliseconds: 30_000 })
    if (code !== 0 && isMounted(target)) throw new RuntimeError('Unknown', `failed to unmount ${target}: ${stderr.trim()}`)
  }
  await rm(target, { recursive: true, force: true })
}
