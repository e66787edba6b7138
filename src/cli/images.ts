// `mk8s images`: the images in the containerd that belongs to a data directory.
import { existsSync } from 'node:fs'
import { containerdInUse } from '../distro/node-runtime.ts'
import { pathsOf } from '../distro/paths.ts'
import { importImages, listImages as readImages, removeImage } from '../runtime/containerd/images.ts'
import type { ContainerdPaths } from '../runtime/containerd/paths.ts'
import { CliError, type CliIo } from './io.ts'
import { table } from './table.ts'

function containerdOf(dataDirectory: string): ContainerdPaths {
  const containerd = containerdInUse(pathsOf(dataDirectory).containerd)
  if (!existsSync(containerd.socket)) throw new CliError(`there is no containerd at ${containerd.socket}: start "mk8s server" first`)
  return containerd
}

export async function importArchives(io: CliIo, dataDirectory: string, files: readonly string[]): Promise<void> {
  const paths = containerdOf(dataDirectory)
  for (const file of files) {
    if (!existsSync(file)) throw new CliError(`${file} does not exist`)
    for (const name of await orOneLine(importImages(paths, file))) io.out(`${name}\n`)
  }
}

export async function listImages(io: CliIo, dataDirectory: string): Promise<void> {
  const images = await orOneLine(readImages(containerdOf(dataDirectory).socket))
  const rows = images.flatMap(({ id, sizeBytes, repoTags, repoDigests }) => {
    const names = repoTags.length > 0 ? repoTags : repoDigests.length > 0 ? repoDigests : ['<none>']
    return names.map((name) => [name, id.replace(/^sha256:/, '').slice(0, 13), `${(sizeBytes / 1e6).toFixed(1)}MB`])
  })
  io.out(table([['IMAGE', 'ID', 'SIZE'], ...rows.sort()]))
}

export async function removeImages(io: CliIo, dataDirectory: string, names: readonly string[]): Promise<void> {
  const { socket } = containerdOf(dataDirectory)
  for (const name of names) {
    await orOneLine(removeImage(socket, name))
    io.out(`${name}\n`)
  }
}

const orOneLine = <T>(work: Promise<T>): Promise<T> =>
  work.catch((error: Error) => {
    throw new CliError(error.message)
  })
