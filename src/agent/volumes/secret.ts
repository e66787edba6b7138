import { objectSource } from './object-source.ts'
import { openPayloadVolume } from './payload-volume.ts'
import type { OpenVolumeOf } from './plugin.ts'

export const openSecret: OpenVolumeOf = (request) => {
  const { secretName = '', items, optional, defaultMode = 0o644 } = request.volume.secret!
  const source = objectSource(request, { kind: 'Secret', name: secretName, items, optional, defaultMode })
  return openPayloadVolume({ ...request, folder: 'kubernetes.io~secret', inMemory: true, sources: [source] })
}
