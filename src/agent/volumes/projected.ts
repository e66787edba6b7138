// Several sources in one volume; a later one wins where two write the same path.
import type { VolumeProjection } from '../../api/generated/types.ts'
import { downwardSource } from './downward-api.ts'
import { objectSource } from './object-source.ts'
import { openPayloadVolume, type SourceOf } from './payload-volume.ts'
import type { OpenRequest, OpenVolumeOf } from './plugin.ts'
import { tokenSource } from './service-account-token.ts'
import { VolumeError } from './volume.ts'

export const openProjected: OpenVolumeOf = async (request) => {
  const { sources = [], defaultMode = 0o644 } = request.volume.projected!
  return openPayloadVolume({ ...request, folder: 'kubernetes.io~projected', inMemory: true, sources: sources.map((s) => sourceOf(request, s, defaultMode)) })
}

function sourceOf(request: OpenRequest, projection: VolumeProjection, defaultMode: number): SourceOf {
  const { configMap, secret, downwardAPI, serviceAccountToken } = projection
  if (configMap) return objectSource(request, { kind: 'ConfigMap', name: configMap.name ?? '', items: configMap.items, optional: configMap.optional, defaultMode })
  if (secret) return objectSource(request, { kind: 'Secret', name: secret.name ?? '', items: secret.items, optional: secret.optional, defaultMode })
  if (downwardAPI) return downwardSource(request.services, downwardAPI.items ?? [], defaultMode)
  if (serviceAccountToken) return tokenSource(request.services, serviceAccountToken, defaultMode)
  throw new VolumeError(`projected volume source ${Object.keys(projection).join(', ')} is not supported`)
}
