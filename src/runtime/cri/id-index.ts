// What the protocol's answers leave out: the sandbox of a container in its status, and (before containerd 1.7) the id behind an image's digest and
// what is pinned. All but the last never changes, so it is remembered.
import { pinnedLabel } from '../container-runtime.ts'
import { callTimeout, unlessGone, type CriConnection } from './connection.ts'
import { listNames, methods } from './methods.ts'

interface IdIndex {
  noteContainer(id: string, sandboxId: string): void
  forgetContainer(id: string): void
  sandboxOf(containerId: string): Promise<string>
  /** `imageRef` is a repository digest or an id already. */
  imageOf(imageRef: string): Promise<string>
  /** Empty when the runtime does not tell. */
  pauseImage(): Promise<string>
  /** Names of images that carry the label. */
  pinnedImages(): Promise<ReadonlySet<string>>
}

const mostImages = 500

export function createIdIndex({ call, grpc }: CriConnection): IdIndex {
  const sandboxes = new Map<string, string>()
  const images = new Map<string, string>()
  let pauseImage: string | undefined
  return {
    noteContainer: (id, sandboxId) => void sandboxes.set(id, sandboxId),
    forgetContainer: (id) => void sandboxes.delete(id),
    async sandboxOf(containerId) {
      const known = sandboxes.get(containerId)
      if (known !== undefined) return known
      const { containers } = await call(methods.listContainers, {})
      sandboxes.clear()
      for (const { id, sandboxId } of containers) sandboxes.set(id, sandboxId)
      return sandboxes.get(containerId) ?? ''
    },
    async imageOf(imageRef) {
      if (!imageRef.includes('@')) return imageRef
      const known = images.get(imageRef)
      if (known !== undefined) return known
      const answer = await unlessGone(call(methods.imageStatus, { image: { image: imageRef } }), undefined)
      if (!answer?.image) return imageRef
      if (images.size >= mostImages) images.clear()
      images.set(imageRef, answer.image.id)
      return answer.image.id
    },
    async pinnedImages() {
      const filters = [`labels.${JSON.stringify(pinnedLabel.key)}==${pinnedLabel.value}`]
      const { images: found } = await grpc.call(listNames, { filters }, { metadata: { 'containerd-namespace': 'k8s.io' }, timeoutMilliseconds: callTimeout }).catch(() => ({ images: [] }))
      return new Set(found.map(({ name }) => name))
    },
    async pauseImage() {
      if (pauseImage !== undefined) return pauseImage
      const { info } = await call(methods.status, { verbose: true })
      return (pauseImage = (JSON.parse(info.config ?? '{}') as { sandboxImage?: string }).sandboxImage ?? '')
    },
  }
}
