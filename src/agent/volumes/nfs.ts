// A network file system, where the machine has the helper for it.
import { existsSync } from 'node:fs'
import { volumeDirectory } from './payload-volume.ts'
import type { OpenVolumeOf } from './plugin.ts'
import { VolumeError } from './volume.ts'

const helpers = ['/sbin/mount.nfs', '/usr/sbin/mount.nfs']

export const openNfs: OpenVolumeOf = async ({ pod, volume, services }) => {
  const { server, path: exported, readOnly = false } = volume.nfs!
  if (!helpers.some((helper) => existsSync(helper))) throw new VolumeError('mount.nfs is not installed on this node')
  const path = volumeDirectory(services.root, pod.metadata.uid, 'kubernetes.io~nfs', volume.name)
  if (!(await services.mounter.typeAt(path))) {
    await services.mounter.mount({ type: 'nfs', source: `${server}:${exported}`, target: path, options: readOnly ? ['ro'] : [] }).catch((error: Error) => {
      throw new VolumeError(error.message)
    })
  }
  return { path, readOnly }
}
