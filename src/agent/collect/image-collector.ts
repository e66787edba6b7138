// Unused images go when the disk fills, the longest unused first (source: pkg/kubelet/images `image_gc_manager`). Pinned ones, those that a container
// uses, dead or alive, and those that came only now stay.
import { statfs } from 'node:fs/promises'
import type { Clock } from '../../base/clock.ts'
import type { ContainerRuntime, Image } from '../../runtime/container-runtime.ts'
import type { Recorder } from '../events/recorder.ts'
import type { ImageSettings } from '../settings/settings.ts'

interface ImageCollectorOptions {
  runtime: ContainerRuntime
  clock: Clock
  recorder: Pick<Recorder, 'node'>
  settings: ImageSettings
  /** Ids and references of images that containers use. */
  used(): ReadonlySet<string>
}

interface ImageCollector {
  /** Frees space when the thresholds say so, and what is too old. Rejects when it could not; tells so the second time in a row. */
  collect(): Promise<void>
  /** Everything that can go, whatever the thresholds. */
  removeUnused(): Promise<void>
}

interface Seen {
  first: number
  /** When a container last used it; 0 when none did. */
  used: number
}

export function createImageCollector({ runtime, clock, recorder, settings, used }: ImageCollectorOptions): ImageCollector {
  const seen = new Map<string, Seen>()
  const began = clock.monotonic()
  let failedBefore = false

  /** In the order in which they go. */
  async function unused(now: number): Promise<Image[]> {
    const images = await runtime.listImages()
    const inUse = used()
    const isUsed = (image: Image) => [image.id, ...image.repoTags, ...image.repoDigests].some((name) => inUse.has(name))
    for (const image of images) {
      const known = seen.get(image.id) ?? { first: now, used: 0 }
      seen.set(image.id, isUsed(image) ? { ...known, used: now } : known)
    }
    for (const id of seen.keys()) if (!images.some((image) => image.id === id)) seen.delete(id)
    const order = (a: Image, b: Image) => seen.get(a.id)!.used - seen.get(b.id)!.used || seen.get(a.id)!.first - seen.get(b.id)!.first
    return images.filter((image) => !image.pinned && !isUsed(image)).sort(order)
  }

  /** @returns bytes freed. */
  async function free(images: readonly Image[], bytes: number, now: number): Promise<number> {
    let freed = 0
    const errors: string[] = []
    for (const image of images) {
      if (freed >= bytes) break
      if (now - seen.get(image.id)!.first < settings.minimumAgeMilliseconds) continue
      await runtime.removeImage(image.id).then(() => {
        freed += image.sizeBytes
        seen.delete(image.id)
      }, (error: Error) => errors.push(error.message))
    }
    if (errors.length > 0) throw new Error(`wanted to free ${bytes} bytes, but freed ${freed} bytes space with errors in image deletion: ${errors.join(', ')}`)
    return freed
  }

  async function removeOld(images: readonly Image[], now: number): Promise<readonly Image[]> {
    const { maximumAgeMilliseconds } = settings
    if (maximumAgeMilliseconds === 0 || now - began <= maximumAgeMilliseconds) return images
    const isOld = (image: Image) => now - Math.max(seen.get(image.id)!.used, began) > maximumAgeMilliseconds
    for (const image of images.filter(isOld)) await runtime.removeImage(image.id)
    return images.filter((image) => !isOld(image))
  }

  async function collectOnce(): Promise<void> {
    const now = clock.monotonic()
    const images = await removeOld(await unused(now), now)
    const { mountpoint } = await runtime.imageFilesystem()
    const disk = await statfs(mountpoint)
    const [capacity, available] = [disk.blocks * disk.bsize, Math.min(disk.bavail, disk.blocks) * disk.bsize]
    if (capacity === 0) {
      recorder.node('Warning', 'InvalidDiskCapacity', 'invalid capacity 0 on image filesystem')
      throw new Error('invalid capacity 0 on image filesystem')
    }
    const usedPercent = 100 - Math.floor((available * 100) / capacity)
    if (usedPercent < settings.highPercent || settings.highPercent === 100) return
    const wanted = Math.floor((capacity * (100 - settings.lowPercent)) / 100) - available
    const freed = await free(images, wanted, now)
    if (freed >= wanted) return
    const message = `Insufficient free disk space on the node's image filesystem (${usedPercent}% of ${size(capacity)} used). `
      + `Failed to free sufficient space by deleting unused images (freed ${freed} bytes). `
      + 'Investigate disk usage, as it could be used by active images, logs, volumes, or other data.'
    recorder.node('Warning', 'FreeDiskSpaceFailed', message)
    throw new Error(message)
  }

  return {
    async collect() {
      try {
        await collectOnce()
        failedBefore = false
      } catch (error) {
        if (failedBefore) recorder.node('Warning', 'ImageGCFailed', (error as Error).message)
        failedBefore = true
        throw error
      }
    },
    async removeUnused() {
      const now = clock.monotonic()
      await free(await unused(now), Infinity, now)
    },
  }
}

/** As `512 B`, `1.5 GiB`. */
function size(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`
  const step = Math.min(4, Math.floor(Math.log2(bytes) / 10))
  return `${(bytes / 1024 ** step).toFixed(1)} ${['KiB', 'MiB', 'GiB', 'TiB'][step - 1]}`
}
