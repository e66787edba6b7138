// The pod's own fields as files.
import type { DownwardAPIVolumeFile } from '../../api/generated/types.ts'
import { fieldValue } from '../container/field-path.ts'
import { resourceFieldValue } from '../container/resource-field.ts'
import { openPayloadVolume, type Files, type SourceOf } from './payload-volume.ts'
import type { OpenVolumeOf, VolumeServices } from './plugin.ts'
import { VolumeError } from './volume.ts'

export const openDownwardApi: OpenVolumeOf = (request) => {
  const { items = [], defaultMode = 0o644 } = request.volume.downwardAPI!
  return openPayloadVolume({ ...request, folder: 'kubernetes.io~downward-api', inMemory: true, sources: [downwardSource(request.services, items, defaultMode)] })
}

export function downwardSource({ allocatable, podIps, hostIps }: VolumeServices, items: readonly DownwardAPIVolumeFile[], defaultMode: number): SourceOf {
  return () => ({
    async read(pod) {
      const files: Files = new Map()
      for (const { path, mode = defaultMode, fieldRef, resourceFieldRef } of items) {
        try {
          const text = fieldRef
            ? fieldValue(pod, fieldRef.fieldPath, { hostIps: hostIps(), podIps: podIps(pod.metadata.uid) })
            : resourceFieldRef ? resourceFieldValue({ pod, field: resourceFieldRef, allocatable: allocatable() }) : ''
          files.set(path, { data: Buffer.from(text), mode })
        } catch (error) {
          throw new VolumeError((error as Error).message)
        }
      }
      return files
    },
    close() {},
  })
}
