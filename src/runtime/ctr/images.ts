// Images: read from containerd's stores, changed with `ctr`. An image is known by the digest of its configuration, as with the CRI plug-in; its names are
// the references it was pulled or imported under, and after a pull its repository digest.
import { createHash } from 'node:crypto'
import { pullTimeout, isNotFound } from '../cri/connection.ts'
import { pinnedLabel, RuntimeError, type Image, type RegistryAuth } from '../container-runtime.ts'
import { fullReference } from '../image-reference.ts'
import { defaultPauseImage, pauseImageArchive } from '../pause/image.ts'
import { hostArchitecture } from '../pause/program.ts'
import type { Containerd } from './containerd.ts'
import { services } from './services.ts'

export interface ImageConfig {
  User?: string
  Env?: string[]
  Entrypoint?: string[]
  Cmd?: string[]
  WorkingDir?: string
  StopSignal?: string
  Volumes?: Record<string, unknown>
}

export interface KnownImage {
  id: string
  names: string[]
  pinned: boolean
  /** What the names stand for: manifests or indexes of them. */
  targets: string[]
  config: ImageConfig
  /** Name of the snapshot that all its layers make. */
  chainId: string
  sizeBytes: number
}

export interface Images {
  find(reference: string): Promise<KnownImage | undefined>
  list(): Promise<Image[]>
  status(reference: string): Promise<Image | undefined>
  pull(reference: string, auth: RegistryAuth | undefined): Promise<string>
  remove(reference: string): Promise<void>
  /** Makes layers that were only downloaded into snapshots. */
  unpack(image: KnownImage): Promise<void>
  /** Brings in our own pause image where it is the one to use and is not there. */
  ensurePause(): Promise<KnownImage>
}

interface ImagesOptions {
  containerd: Containerd
  snapshotter(): Promise<string>
  pauseImage: string
  /** One directory a registry, each with a hosts.toml. */
  registriesDirectory: string
  /** Of the node itself, for a registry. */
  credentials(registry: string): RegistryAuth | undefined
}

interface Manifest {
  config?: { digest: string; size: number }
  layers?: { size: number }[]
  manifests?: { digest: string; platform?: { os: string; architecture: string; variant?: string } }[]
}

type Described = Pick<KnownImage, 'id' | 'config' | 'chainId' | 'sizeBytes'>

const mostDescriptions = 500

export function createImages({ containerd, snapshotter, pauseImage, registriesDirectory, credentials }: ImagesOptions): Images {
  const descriptions = new Map<string, Described>()

  async function blob(digest: string): Promise<Buffer> {
    const parts: Buffer[] = []
    for await (const { data } of containerd.stream(services.content, { digest })) parts.push(data)
    return Buffer.concat(parts)
  }

  async function describe(digest: string): Promise<Described | undefined> {
    const known = descriptions.get(digest)
    if (known) return known
    const described = await readImage(digest, blob).catch(() => undefined)
    if (!described) return undefined
    if (descriptions.size >= mostDescriptions) descriptions.clear()
    descriptions.set(digest, described)
    return described
  }

  async function all(): Promise<KnownImage[]> {
    const { images } = await containerd.call(services.images, {})
    const byId = new Map<string, KnownImage>()
    for (const { name, target, labels } of images) {
      const described = target && (await describe(target.digest))
      if (!described) continue
      const image = byId.get(described.id) ?? { ...described, names: [], targets: [], pinned: false }
      byId.set(described.id, { ...image, names: [...image.names, name], pinned: image.pinned || name === pauseImage || labels[pinnedLabel.key] === pinnedLabel.value, targets: [...new Set([...image.targets, target.digest])] })
    }
    return [...byId.values()]
  }

  async function find(reference: string): Promise<KnownImage | undefined> {
    const images = await all()
    const names = new Set([reference, ...normal(reference)])
    return images.find(({ id, names: own }) => id === reference || id === `sha256:${reference}` || own.some((name) => names.has(name)))
  }

  return {
    find,
    list: async () => (await all()).map(asImage),
    async status(reference) {
      const image = await find(reference)
      return image && asImage(image)
    },
    async pull(reference, auth) {
      const { name, tag, digest } = fullReference(reference)
      const full = `${name}${tag ? `:${tag}` : ''}${digest ? `@${digest}` : ''}`
      const { flags, password } = loginOf(auth ?? credentials(name.split('/')[0]!))
      try {
        await containerd.ctr(['images', 'pull', ...(await containerd.localFlag()), '--snapshotter', await snapshotter(), '--hosts-dir', registriesDirectory, ...flags, full], { timeoutMilliseconds: pullTimeout, password })
      } catch (error) {
        if (error instanceof RuntimeError) throw new RuntimeError(error.code, `failed to pull and unpack image ${JSON.stringify(full)}: ${error.message}`, error)
        throw error
      }
      const image = await find(full)
      if (!image) throw new RuntimeError('NotFound', `image ${JSON.stringify(full)}: no manifest for this machine's architecture`)
      const { images } = await containerd.call(services.images, {})
      const target = images.find((entry) => entry.name === full)?.target?.digest
      if (target && !image.names.includes(`${name}@${target}`)) await containerd.ctr(['images', 'tag', '--force', full, `${name}@${target}`])
      return image.id
    },
    async remove(reference) {
      const image = await find(reference)
      if (image) await containerd.ctr(['images', 'rm', '--sync', ...image.names])
    },
    async unpack({ targets }) {
      await containerd.ctr(['snapshots', '--snapshotter', await snapshotter(), 'unpack', targets[0]!], { timeoutMilliseconds: pullTimeout })
    },
    async ensurePause() {
      if (pauseImage === defaultPauseImage && !(await find(pauseImage))) {
        await containerd.ctr(['images', 'import', ...(await containerd.localFlag()), '--snapshotter', await snapshotter(), '-'], { input: pauseImageArchive(pauseImage, hostArchitecture()) })
      }
      if (!(await find(pauseImage))) await this.pull(pauseImage, undefined)
      return (await find(pauseImage))!
    },
  }
}

function normal(reference: string): string[] {
  try {
    const { name, tag, digest } = fullReference(reference)
    return [`${name}${tag ? `:${tag}` : ''}${digest ? `@${digest}` : ''}`, ...(digest ? [`${name}@${digest}`] : [])]
  } catch {
    return []
  }
}

/** Rejects for what is no image for this machine, or is not there as a whole. */
async function readImage(digest: string, blob: (digest: string) => Promise<Buffer>): Promise<Described> {
  const content = await blob(digest)
  const manifest = JSON.parse(content.toString()) as Manifest
  if (manifest.manifests) {
    const fitting = manifest.manifests.find(({ platform }) => platform?.os === 'linux' && platform.architecture === hostArchitecture()) ?? manifest.manifests.find(({ platform }) => !platform)
    if (!fitting) throw new RuntimeError('NotFound', `${digest}: nothing for this architecture`)
    const described = await readImage(fitting.digest, blob)
    return { ...described, sizeBytes: described.sizeBytes + content.length }
  }
  if (!manifest.config) throw new RuntimeError('Unknown', `${digest} is no image`)
  const { config = {}, rootfs } = JSON.parse((await blob(manifest.config.digest)).toString()) as { config?: ImageConfig; rootfs?: { diff_ids?: string[] } }
  const sizeBytes = content.length + manifest.config.size + (manifest.layers ?? []).reduce((sum, { size }) => sum + size, 0)
  return { id: manifest.config.digest, config, chainId: chainIdOf(rootfs?.diff_ids ?? []), sizeBytes }
}

/** Source: OCI image specification, "Layer ChainID". */
export function chainIdOf(diffIds: readonly string[]): string {
  return diffIds.reduce((chain, diff) => (chain === '' ? diff : `sha256:${createHash('sha256').update(`${chain} ${diff}`).digest('hex')}`), '')
}

function asImage({ id, names, config, sizeBytes, pinned }: KnownImage): Image {
  const user = (config.User ?? '').split(':')[0]!
  return {
    id, repoTags: names.filter((name) => !name.includes('@') && !name.startsWith('sha256:')), repoDigests: names.filter((name) => name.includes('@') && !name.startsWith('import-')), sizeBytes,
    ...(/^\d+$/.test(user) ? { uid: Number(user), username: '' } : { username: user }), pinned,
  }
}

/** An identity token is the one secret that `ctr` takes from its command line only. */
function loginOf(auth: RegistryAuth | undefined): { flags: string[]; password?: string } {
  if (auth?.identityToken) return { flags: ['--refresh', auth.identityToken] }
  const [, username, password] = auth?.username ? ['', auth.username, auth.password ?? ''] : /^([^:]+):([^]*)$/.exec(Buffer.from(auth?.auth ?? '', 'base64').toString()) ?? []
  return username ? { flags: ['--user', username], password } : { flags: [] }
}

/** `name` in a pod's status: its first repository digest, else its id. */
export const referenceOf = ({ id, names }: KnownImage): string => names.find((name) => name.includes('@') && !name.startsWith('import-')) ?? id

export const unlessNotFound = (work: Promise<unknown>): Promise<void> =>
  work.then(() => undefined, (error: unknown) => {
    if (!isNotFound(error)) throw error
  })
