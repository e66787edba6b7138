import type { PersistentVolumeSpec, Volume, VolumeProjection } from '../../../generated/types.ts'
import { defaultClaimSpec } from '../claims.ts'
import { defaultFieldRef } from './container-defaults.ts'
import { pullPolicyOf } from './image.ts'

const readableByAll = 0o644

/** Sources that pod volumes and persistent volumes share. */
type SharedSources = Pick<Volume & PersistentVolumeSpec, 'hostPath' | 'azureDisk'> & {
  iscsi?: { iscsiInterface?: string }
  rbd?: { pool?: string; user?: string; keyring?: string }
  scaleIO?: { storageMode?: string; fsType?: string }
}

export function defaultSharedSources(volume: SharedSources): void {
  if (volume.hostPath) volume.hostPath.type ??= ''
  if (volume.iscsi) volume.iscsi.iscsiInterface ||= 'default'
  if (volume.rbd) {
    volume.rbd.pool ||= 'rbd'
    volume.rbd.user ||= 'admin'
    volume.rbd.keyring ||= '/etc/ceph/keyring'
  }
  if (volume.azureDisk) {
    volume.azureDisk.cachingMode ??= 'ReadWrite'
    volume.azureDisk.kind ??= 'Shared'
    volume.azureDisk.fsType ??= 'ext4'
    volume.azureDisk.readOnly ??= false
  }
  if (volume.scaleIO) {
    volume.scaleIO.storageMode ||= 'ThinProvisioned'
    volume.scaleIO.fsType ||= 'xfs'
  }
}

function defaultProjection({ serviceAccountToken, downwardAPI }: VolumeProjection): void {
  if (serviceAccountToken) serviceAccountToken.expirationSeconds ??= 3600
  for (const item of downwardAPI?.items ?? []) defaultFieldRef(item.fieldRef)
}

const hasSource = (volume: Volume) => Object.entries(volume).some(([key, value]) => key !== 'name' && value !== undefined && value !== null)

export function defaultVolume(volume: Volume): void {
  if (!hasSource(volume)) volume.emptyDir = {}
  defaultSharedSources(volume)
  if (volume.secret) volume.secret.defaultMode ??= readableByAll
  if (volume.configMap) volume.configMap.defaultMode ??= readableByAll
  if (volume.downwardAPI) {
    volume.downwardAPI.defaultMode ??= readableByAll
    for (const item of volume.downwardAPI.items ?? []) defaultFieldRef(item.fieldRef)
  }
  if (volume.projected) {
    volume.projected.defaultMode ??= readableByAll
    for (const source of volume.projected.sources ?? []) defaultProjection(source)
  }
  if (volume.image) volume.image.pullPolicy ||= pullPolicyOf(volume.image.reference)
  const template = volume.ephemeral?.volumeClaimTemplate
  if (!template) return
  template.metadata ??= {}
  if (template.spec) defaultClaimSpec(template.spec)
}
