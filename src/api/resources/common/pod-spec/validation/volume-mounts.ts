import { forbidden, invalid, notFound, notSupported, required } from '../../../../field-error.ts'
import type { VolumeDevice, VolumeMount } from '../../../../generated/types.ts'
import type { AnyContainer } from '../containers.ts'
import type { Findings } from '../../validation/findings.ts'
import { descendingPath, noBacksteps } from './paths.ts'
import type { VolumesByName } from './volumes.ts'

function* propagation(field: string, mount: VolumeMount, privileged: boolean): Findings {
  const mode = mount.mountPropagation
  if (mode === undefined) return
  if (!['Bidirectional', 'HostToContainer', 'None'].includes(mode)) yield notSupported(field, mode, ['Bidirectional', 'HostToContainer', 'None'])
  if (mode === 'Bidirectional' && !privileged) yield forbidden(field, 'Bidirectional mount propagation is available only to privileged containers')
}

function* recursiveReadOnly(field: string, mount: VolumeMount): Findings {
  const mode = mount.recursiveReadOnly
  if (mode === undefined || mode === 'Disabled') return
  if (mode !== 'Enabled' && mode !== 'IfPossible') return yield notSupported(field, mode, ['Disabled', 'Enabled', 'IfPossible'])
  if (!mount.readOnly) yield forbidden(field, 'may only be specified when readOnly is true')
  if (mount.mountPropagation !== undefined && mount.mountPropagation !== 'None') {
    yield forbidden(field, 'may only be specified when mountPropagation is None or not specified')
  }
}

export function* volumeMounts(field: string, container: AnyContainer, volumes: VolumesByName): Findings {
  const devices = container.volumeDevices ?? []
  const taken = new Set<string>()
  for (const [index, mount] of (container.volumeMounts ?? []).entries()) {
    const at = `${field}[${index}]`
    if (!mount.name) yield required(`${at}.name`)
    if (!volumes.has(mount.name)) yield notFound(`${at}.name`, mount.name ?? '')
    if (!mount.mountPath) yield required(`${at}.mountPath`)
    if (taken.has(mount.mountPath)) yield invalid(`${at}.mountPath`, mount.mountPath, 'must be unique')
    taken.add(mount.mountPath)
    if (devices.some((d) => d.name === mount.name)) yield invalid(`${at}.name`, mount.name, 'must not already exist in volumeDevices')
    if (devices.some((d) => d.devicePath === mount.mountPath)) {
      yield invalid(`${at}.mountPath`, mount.mountPath, 'must not already exist as a path in volumeDevices')
    }
    if (mount.subPath) yield* descendingPath(`${field}.subPath`, mount.subPath)
    if (mount.subPathExpr) {
      if (mount.subPath) yield invalid(`${at}.subPathExpr`, mount.subPathExpr, 'subPathExpr and subPath are mutually exclusive')
      yield* descendingPath(`${field}.subPathExpr`, mount.subPathExpr)
    }
    yield* propagation(`${field}.mountPropagation`, mount, container.securityContext?.privileged === true)
    yield* recursiveReadOnly(`${field}.recursiveReadOnly`, mount)
  }
}

function* devicePath(at: string, path: string): Findings {
  if (!path) yield required(`${at}.devicePath`)
  else if ([...noBacksteps(at, path)].length > 0) yield invalid(`${at}.devicePath`, path, "can not contain backsteps ('..')")
}

export function* volumeDevices(field: string, container: AnyContainer, volumes: VolumesByName): Findings {
  const mounts = container.volumeMounts ?? []
  const earlier: VolumeDevice[] = []
  for (const [index, device] of (container.volumeDevices ?? []).entries()) {
    const at = `${field}[${index}]`
    const volume = volumes.get(device.name)
    if (!device.name) yield required(`${at}.name`)
    if (earlier.some((d) => d.name === device.name)) yield invalid(`${at}.name`, device.name, 'must be unique')
    if (volume && !volume.persistentVolumeClaim && !volume.ephemeral) {
      yield invalid(`${at}.name`, device.name, 'can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode')
    }
    if (!volume) yield notFound(`${at}.name`, device.name ?? '')
    yield* devicePath(at, device.devicePath)
    if (earlier.some((d) => d.devicePath === device.devicePath)) yield invalid(`${at}.devicePath`, device.devicePath, 'must be unique')
    if (mounts.some((m) => m.name === device.name)) yield invalid(`${at}.name`, device.name, 'must not already exist in volumeMounts')
    if (mounts.some((m) => m.mountPath === device.devicePath)) {
      yield invalid(`${at}.devicePath`, device.devicePath, 'must not already exist as a path in volumeMounts')
    }
    earlier.push(device)
  }
}
