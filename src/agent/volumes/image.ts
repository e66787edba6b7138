// The content of an image as a volume.
import { regularContainers } from '../pod/types.ts'
import type { OpenVolumeOf } from './plugin.ts'
import { VolumeError } from './volume.ts'

export const openImage: OpenVolumeOf = async ({ pod, volume, services }) => {
  if (!services.imageVolumes) throw new VolumeError('volumes of type image are not supported by the container runtime')
  const { reference = '', pullPolicy = 'IfNotPresent' } = volume.image!
  const container = regularContainers(pod)[0]!
  const present = await services.images.ensure({ pod, container, image: reference, policy: pullPolicy, pullSecrets: async () => [] }).catch((error: Error) => {
    throw new VolumeError(error.message)
  })
  return { path: '', readOnly: true, image: present.reference }
}
