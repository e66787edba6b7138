import { objectSource } from './object-source.ts'
import { openPayloadVolume } from './payload-volume.ts'
import type { OpenVolumeOf } from './plugin.ts'

export const openConfigMap: OpenVolumeOf = (request) => {
  const { name = '', items, optional, defaultMode = 0o644 } = request.volume.configMap!
  const source = objectSource(request, { kind: 'ConfigMap', name, items, optional, defaultMode })
  return openPayloadVolume({ ...request, folder: 'kubernetes.io~configmap', inMemory: false, sources: [source] })
}
