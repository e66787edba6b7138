// Images that come as archives: the pause image of our own, and `mk8s images`.
import { run } from '../../base/child-process.ts'
import { createGrpcClient, GrpcError } from '../../base/grpc/client.ts'
import { type ContainerRuntime, type Image, type RuntimeError } from '../container-runtime.ts'
import { openCriRuntime } from '../cri/driver.ts'
import { methods } from '../cri/methods.ts'
import { localFlag, openContainerd } from '../ctr/containerd.ts'
import { createImages } from '../ctr/images.ts'
import { chooseSnapshotter } from '../ctr/snapshotter.ts'
import { defaultPauseImage, pauseImageArchive } from '../pause/image.ts'
import { hostArchitecture } from '../pause/program.ts'
import { findPrograms } from './host.ts'
import type { ContainerdPaths } from './paths.ts'
import { markUnpacking } from './unpacking.ts'

const importTimeout = 15 * 60_000

/** An archive as `docker save` or `ctr images export` writes it, also compressed; `-` reads `input`. @returns the names it brought. */
export async function importArchive(ctr: string, paths: ContainerdPaths, path: string, input?: Buffer): Promise<string[]> {
  const { socket } = paths
  const flags = ['--snapshotter', await readSnapshotter(socket), ...(await localFlag(ctr))]
  const mark = markUnpacking(paths)
  const { code, stdout, stderr } = await run(ctr, ['--address', socket, '--namespace', 'k8s.io', 'images', 'import', ...flags, path], { timeoutMilliseconds: importTimeout, input })
  await mark.settle()
  if (code !== 0) throw new Error(`${path}: ${stderr.trim().split('\n').at(-1)?.replace(/^ctr: /, '') ?? 'import failed'}`)
  return [...stdout.matchAll(/^unpacking (\S+)/gm)].map((match) => match[1]!)
}

/** Where pods' images are unpacked. */
export async function readSnapshotter(socket: string): Promise<string> {
  const client = createGrpcClient(`unix://${socket}`)
  try {
    const { info } = await client.call(methods.status, { verbose: true }, { timeoutMilliseconds: 20_000 })
    const config = JSON.parse(info.config ?? '{}') as { containerd?: { snapshotter?: string } }
    return config.containerd?.snapshotter || 'overlayfs'
  } catch (error) {
    if (!(error instanceof GrpcError) || error.code !== 'Unimplemented') throw error
    return await chooseSnapshotter(client)
  } finally {
    client.close()
  }
}

/** Brings in our pause image unless it is there, or another one was chosen. */
export async function ensurePauseImage(ctr: string, paths: ContainerdPaths, name: string): Promise<void> {
  if (name !== defaultPauseImage) return
  const isThere = await withImages(paths.socket, async (images) => (await images.imageStatus(name)) !== undefined)
  if (!isThere) await importArchive(ctr, paths, '-', pauseImageArchive(name, hostArchitecture()))
}

/** For the command line. Errors are one line. */
export const importImages = (paths: ContainerdPaths, path: string): Promise<string[]> => importArchive(findPrograms().ctr, paths, path)

export const listImages = (socket: string): Promise<Image[]> => withImages(socket, ({ listImages: list }) => list())

export function removeImage(socket: string, reference: string): Promise<void> {
  return withImages(socket, async (images) => {
    if (!(await images.imageStatus(reference))) throw new Error(`image ${reference} not found`)
    await images.removeImage(reference)
  })
}

type ImageStore = Pick<ContainerRuntime, 'listImages' | 'imageStatus' | 'removeImage'>

/** Asks the CRI plug-in, or containerd itself where that is off. */
async function withImages<T>(socket: string, use: (images: ImageStore) => Promise<T>): Promise<T> {
  const runtime = openCriRuntime({ endpoint: socket })
  const containerd = openContainerd({ socket, program: findPrograms().ctr })
  try {
    const hasPlugin = await containerd.call(methods.version, {}).then(() => true, (error: RuntimeError) => error.code !== 'Unimplemented')
    if (hasPlugin) return await use(runtime)
    const images = createImages({ containerd, snapshotter: () => chooseSnapshotter(containerd), pauseImage: defaultPauseImage, registriesDirectory: '', credentials: () => undefined })
    return await use({ listImages: images.list, imageStatus: images.status, removeImage: images.remove })
  } finally {
    containerd.close()
    await runtime.close()
  }
}
