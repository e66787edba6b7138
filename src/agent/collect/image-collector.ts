// Unused images go when the disk fills: above 85 % until it is below 80 %, the longest unused first.
import { statfs } from 'node:fs/promises'
import type { Clock } from '../../base/clock.ts'
import type { ContainerRuntime, Image } from '../../runtime/container-runtime.ts'

interface ImageCollectorOptions {
  runtime: ContainerRuntime
  clock: Clock
  /** Ids and references of images that containers use. */
  used(): ReadonlySet<string>
}

interface ImageCollector {
  /** Frees space when it is short. @returns bytes freed. */
  collect(): Promise<number>
}

const thresholds = { high: 0.85, low: 0.8, youngestMilliseconds: 120_000 }

export function createImageCollector({ runtime, clock, used }: ImageCollectorOptions): ImageCollector {
  const lastUsed = new Map<string, number>()
  return {
    async collect() {
      const images = await runtime.listImages()
      const now = clock.monotonic()
      const inUse = used()
      const isUsed = (image: Image) => [image.id, ...image.repoTags, ...image.repoDigests].some((name) => inUse.has(name))
      for (const image of images) if (!lastUsed.has(image.id) || isUsed(image)) lastUsed.set(image.id, now)
      for (const id of lastUsed.keys()) if (!images.some((image) => image.id === id)) lastUsed.delete(id)
      const { mountpoint } = await runtime.imageFilesystem()
      const disk = await statfs(mountpoint)
      const total = disk.blocks * disk.bsize
      const toFree = total - disk.bavail * disk.bsize - total * thresholds.low
      if (1 - disk.bavail / disk.blocks < thresholds.high) return 0
      const candidates = images.filter((image) => !image.pinned && !isUsed(image) && now - lastUsed.get(image.id)! >= thresholds.youngestMilliseconds)
      candidates.sort((a, b) => lastUsed.get(a.id)! - lastUsed.get(b.id)!)
      let freed = 0
      for (const image of candidates) {
        if (freed >= toFree) break
        await runtime.removeImage(image.id)
        freed += image.sizeBytes
      }
      return freed
    },
  }
}
