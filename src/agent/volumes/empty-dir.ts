// A directory for the life of the pod, on disk or in memory.
import { chmod, mkdir } from 'node:fs/promises'
import { parseQuantity } from '../../api/quantity.ts'
import { podAmounts } from '../../api/pod-amounts.ts'
import { giveToGroup } from './ownership.ts'
import { volumeDirectory } from './payload-volume.ts'
import type { OpenRequest, OpenVolumeOf } from './plugin.ts'
import { VolumeError } from './volume.ts'

export const emptyDirPath = (root: string, podUid: string, name: string): string => volumeDirectory(root, podUid, 'kubernetes.io~empty-dir', name)

export const openEmptyDir: OpenVolumeOf = async (request) => {
  const { pod, volume, services } = request
  const { medium = '' } = volume.emptyDir!
  const path = emptyDirPath(services.root, pod.metadata.uid, volume.name)
  if (medium !== '' && medium !== 'Memory') throw new VolumeError(`storage medium ${JSON.stringify(medium)} is not supported`)
  if (medium === 'Memory' && (await services.mounter.typeAt(path)) !== 'tmpfs') {
    const size = sizeOf(request)
    await services.mounter.mount({ type: 'tmpfs', source: 'tmpfs', target: path, options: size > 0 ? [`size=${size}`] : [] })
  }
  await mkdir(path, { recursive: true, mode: 0o750 })
  await chmod(path, 0o777)
  await giveToGroup(path, pod.spec.securityContext)
  return { path, readOnly: false }
}

/** The least of what the volume, the pod and the node allow; 0 is no limit. */
function sizeOf({ pod, volume, services }: OpenRequest): number {
  const limits = [volume.emptyDir?.sizeLimit, services.allocatable()['memory']].flatMap((q) => (q === undefined ? [] : [parseQuantity(q).value()]))
  const everyLimited = [...pod.spec.containers].every((c) => c.resources?.limits?.['memory'])
  if (everyLimited) limits.push(podAmounts(pod, 'limits')['memory'] ?? 0)
  const positive = limits.filter((l) => l > 0)
  return positive.length > 0 ? Math.min(...positive) : 0
}
