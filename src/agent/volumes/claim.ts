// A claim, through the volume it is bound to: those of type hostPath, local and nfs can be mounted here.
import type { PersistentVolume } from '../../api/generated/types.ts'
import { persistentvolumeclaims, persistentvolumes } from '../../api/refs.ts'
import { checkHostPath } from './host-path.ts'
import { openNfs } from './nfs.ts'
import { giveToGroup } from './ownership.ts'
import type { OpenRequest, OpenVolume, OpenVolumeOf } from './plugin.ts'
import { VolumeError } from './volume.ts'

export const openClaim: OpenVolumeOf = async (request) => {
  const { pod, volume, services } = request
  const generic = volume.ephemeral ? `${pod.metadata.name}-${volume.name}` : undefined
  const name = generic ?? volume.persistentVolumeClaim!.claimName
  const claim = await services.client.resource(persistentvolumeclaims, pod.metadata.namespace).get(name).catch(asVolumeError)
  if (claim.metadata.deletionTimestamp) throw new VolumeError(`can't start pod because PVC ${pod.metadata.namespace}/${name} is being deleted`)
  if (claim.status?.phase !== 'Bound' || !claim.spec?.volumeName) throw new VolumeError(`PVC ${pod.metadata.namespace}/${name} is not bound`)
  if (claim.spec.volumeMode === 'Block') throw new VolumeError('volumes of mode Block are not supported')
  const bound = await services.client.resource(persistentvolumes).get(claim.spec.volumeName).catch(asVolumeError)
  if (bound.spec?.claimRef?.uid && bound.spec.claimRef.uid !== claim.metadata.uid) throw new VolumeError(`PV ${bound.metadata.name} is bound to another claim`)
  const open = await openBound(request, bound)
  const readOnly = open.readOnly || (volume.persistentVolumeClaim?.readOnly ?? false) || (bound.spec?.accessModes ?? []).every((m) => m === 'ReadOnlyMany')
  return { ...open, readOnly }
}

async function openBound(request: OpenRequest, { spec, metadata }: PersistentVolume): Promise<OpenVolume> {
  if (spec?.hostPath) {
    await checkHostPath(spec.hostPath.path, spec.hostPath.type || 'DirectoryOrCreate')
    return { path: spec.hostPath.path, readOnly: false }
  }
  if (spec?.local) {
    await checkHostPath(spec.local.path, 'Directory')
    await giveToGroup(spec.local.path, request.pod.spec.securityContext)
    return { path: spec.local.path, readOnly: false }
  }
  if (spec?.nfs) return openNfs({ ...request, volume: { name: request.volume.name, nfs: spec.nfs } })
  throw new VolumeError(`no volume plugin matched for persistent volume ${metadata?.name}`)
}

function asVolumeError(error: Error): never {
  throw new VolumeError(error.message)
}
