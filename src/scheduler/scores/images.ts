// How much of the pod's images the node has already.
import { asTheyAre, greatestScore, type Score } from '../framework.ts'

const [smallImages, largeImages] = [23 * 1024 * 1024, 1000 * 1024 * 1024]

export const imageLocality: Score = {
  name: 'ImageLocality', weight: 1, normalize: asTheyAre,
  prepare({ spec }, world) {
    if (world.nodes.size < 2) return undefined
    const wanted = new Set([...spec.containers, ...(spec.initContainers ?? [])].map((c) => c.image ?? ''))
    return (node) => {
      const present = (node.node.status?.images ?? []).reduce((sum, image) => sum + (image.names?.some((name) => wanted.has(name)) ? (image.sizeBytes ?? 0) : 0), 0)
      const most = largeImages * Math.max(1, wanted.size)
      return (greatestScore * (Math.min(most, Math.max(smallImages, present)) - smallImages)) / (most - smallImages)
    }
  },
}
