// Which objects a pod lets its node read: secrets, config maps, claims, its service account (source: plugin/pkg/auth/authorizer/node, pkg/api/v1/pod).
import type { Container, EphemeralContainer, Pod, Volume } from '../../api/generated/types.ts'

export type ReferenceKind = 'secret' | 'configmap' | 'persistentvolumeclaim' | 'resourceclaim' | 'serviceaccount' | 'pod'

export const reference = (kind: ReferenceKind, namespace: string, name: string): string => `${kind}/${namespace}/${name}`

export const mirrorAnnotation = 'kubernetes.io/config.mirror'

export function podReferences(pod: Pod): Set<string> {
  const { namespace = '', name = '', annotations } = pod.metadata ?? {}
  const found = new Set<string>([reference('pod', namespace, name)])
  // A node can make mirror pods itself: they must never give it access to anything.
  if (annotations?.[mirrorAnnotation] !== undefined || !pod.spec) return found
  const add = (kind: ReferenceKind, named: string | undefined) => void (named && found.add(reference(kind, namespace, named)))
  const { spec } = pod
  add('serviceaccount', spec.serviceAccountName)
  for (const { name: secret } of spec.imagePullSecrets ?? []) add('secret', secret)
  for (const container of [...(spec.initContainers ?? []), ...spec.containers, ...(spec.ephemeralContainers ?? [])]) addContainer(container, add)
  for (const volume of spec.volumes ?? []) addVolume(volume, name, add)
  for (const claim of spec.resourceClaims ?? []) {
    add('resourceclaim', claim.resourceClaimName ?? pod.status?.resourceClaimStatuses?.find((status) => status.name === claim.name)?.resourceClaimName)
  }
  return found
}

type Add = (kind: ReferenceKind, name: string | undefined) => void

function addContainer(container: Container | EphemeralContainer, add: Add): void {
  for (const { secretRef, configMapRef } of container.envFrom ?? []) {
    add('secret', secretRef?.name)
    add('configmap', configMapRef?.name)
  }
  for (const { valueFrom } of container.env ?? []) {
    add('secret', valueFrom?.secretKeyRef?.name)
    add('configmap', valueFrom?.configMapKeyRef?.name)
  }
}

function addVolume(volume: Volume, podName: string, add: Add): void {
  add('secret', volume.secret?.secretName)
  add('configmap', volume.configMap?.name)
  for (const source of volume.projected?.sources ?? []) {
    add('secret', source.secret?.name)
    add('configmap', source.configMap?.name)
  }
  add('secret', volume.azureFile?.secretName)
  add('secret', volume.csi?.nodePublishSecretRef?.name)
  const { cephfs, cinder, flexVolume, rbd, scaleIO, iscsi, storageos } = volume
  for (const source of [cephfs, cinder, flexVolume, rbd, scaleIO, iscsi, storageos]) add('secret', source?.secretRef?.name)
  add('persistentvolumeclaim', volume.persistentVolumeClaim?.claimName ?? (volume.ephemeral ? `${podName}-${volume.name}` : undefined))
}
