import { duplicate, forbidden, invalid, required } from '../../../../field-error.ts'
import type {
  ConfigMapVolumeSource, DownwardAPIVolumeFile, KeyToPath, ObjectMeta, ProjectedVolumeSource, Volume, VolumeProjection,
} from '../../../../generated/types.ts'
import { isDnsLabel, isDnsSubdomain } from '../../../../names.ts'
import { claimSpec, templateMetadata } from '../../validation/claims.ts'
import { checked, type Findings, nonNegative, oneOf, oneOfIfSet, requiredAnd } from '../../validation/findings.ts'
import { quantityOf } from '../../validation/resource-names.ts'
import { fieldRef, resourceFieldRef, volumeFields } from './field-refs.ts'
import { fileMode, noBacksteps, nonReservedPath } from './paths.ts'

export type VolumesByName = ReadonlyMap<string, Volume>

const hostPathTypes = ['', 'BlockDevice', 'CharDevice', 'Directory', 'DirectoryOrCreate', 'File', 'FileOrCreate', 'Socket']

function* keyToPath(field: string, item: KeyToPath): Findings {
  if (!item.key) yield required(`${field}.key`)
  if (!item.path) yield required(`${field}.path`)
  yield* nonReservedPath(`${field}.path`, item.path ?? '')
  yield* fileMode(`${field}.mode`, item.mode)
}

function* keys(field: string, source: Pick<ConfigMapVolumeSource, 'items' | 'defaultMode'>): Findings {
  yield* fileMode(`${field}.defaultMode`, source.defaultMode)
  for (const [index, item] of (source.items ?? []).entries()) yield* keyToPath(`${field}.items[${index}]`, item)
}

function* downwardFile(field: string, file: DownwardAPIVolumeFile): Findings {
  if (!file.path) yield required(`${field}.path`)
  yield* nonReservedPath(`${field}.path`, file.path ?? '')
  if (file.fieldRef) {
    yield* fieldRef(`${field}.fieldRef`, file.fieldRef, volumeFields)
    if (file.resourceFieldRef) yield invalid(field, 'resource', 'fieldRef and resourceFieldRef can not be specified simultaneously')
  } else if (file.resourceFieldRef) yield* resourceFieldRef(`${field}.resourceFieldRef`, file.resourceFieldRef, { named: true })
  else yield required(field, 'one of fieldRef and resourceFieldRef is required')
  yield* fileMode(`${field}.mode`, file.mode)
}

function* tokenProjection(field: string, at: string, { serviceAccountToken: token }: VolumeProjection): Findings {
  const seconds = token!.expirationSeconds ?? 3600
  if (seconds < 600) yield invalid(`${at}.expirationSeconds`, seconds, 'may not specify a duration less than 10 minutes')
  if (seconds > 2 ** 32) yield invalid(`${at}.expirationSeconds`, seconds, 'may not specify a duration larger than 2^32 seconds')
  if (!token!.path) yield required(`${field}.path`)
  else yield* nonReservedPath(`${field}.path`, token!.path)
}

function* projected(field: string, source: ProjectedVolumeSource): Findings {
  yield* fileMode(`${field}.defaultMode`, source.defaultMode)
  const paths = new Set<string>()
  const unique = function* (path: string | undefined, shown: string): Findings {
    if (path && paths.has(path)) yield invalid(field, shown, 'conflicting duplicate paths')
    if (path) paths.add(path)
  }
  for (const [index, part] of (source.sources ?? []).entries()) {
    const at = `${field}.sources[${index}]`
    for (const kind of ['secret', 'configMap'] as const) {
      const from = part[kind]
      if (!from) continue
      if (!from.name) yield required(`${at}.${kind}.name`)
      for (const [itemIndex, item] of (from.items ?? []).entries()) {
        yield* keyToPath(`${at}.${kind}.items[${itemIndex}]`, item)
        yield* unique(item.path, from.name ?? '')
      }
    }
    for (const file of part.downwardAPI?.items ?? []) {
      yield* downwardFile(`${at}.downwardAPI`, file)
      yield* unique(file.path, file.path)
    }
    if (part.serviceAccountToken) yield* tokenProjection(field, `${at}.serviceAccountToken`, part)
    if (part.clusterTrustBundle) {
      if (!part.clusterTrustBundle.path) yield required(`${at}.clusterTrustBundle.path`)
      yield* unique(part.clusterTrustBundle.path, part.clusterTrustBundle.path)
    }
    if (Object.values(part).filter(Boolean).length > 1) yield forbidden(at, 'may not specify more than 1 volume type per source')
  }
}

function* nfs(field: string, source: { server: string; path: string }): Findings {
  if (!source.server) yield required(`${field}.server`)
  if (!source.path) yield required(`${field}.path`)
  if (!source.path?.startsWith('/')) yield invalid(`${field}.path`, source.path ?? '', 'must be an absolute path')
}

export function* hostPath(field: string, source: { path: string; type?: string }): Findings {
  if (!source.path) return yield required(`${field}.path`)
  yield* noBacksteps(`${field}.path`, source.path)
  yield* oneOfIfSet(`${field}.type`, source.type, hostPathTypes)
}

/** What a source of each kind must have; kinds that are not here only have to be the only one. */
const sources: { [K in keyof Volume]?: (field: string, source: NonNullable<Volume[K]>) => Findings } = {
  *emptyDir(field, source) {
    const limit = quantityOf(source.sizeLimit)
    if (limit && limit.nanos < 0n) yield forbidden(`${field}.sizeLimit`, 'SizeLimit field must be a valid resource quantity')
  },
  hostPath,
  *secret(field, source) {
    if (!source.secretName) yield required(`${field}.secretName`)
    yield* keys(field, source)
  },
  *configMap(field, source) {
    if (!source.name) yield required(`${field}.name`)
    yield* keys(field, source)
  },
  nfs,
  *persistentVolumeClaim(field, source) {
    if (!source.claimName) yield required(`${field}.claimName`)
  },
  *downwardAPI(field, source) {
    yield* fileMode(`${field}.defaultMode`, source.defaultMode)
    for (const file of source.items ?? []) yield* downwardFile(field, file)
  },
  projected,
  *gitRepo(field, source) {
    if (!source.repository) yield required(`${field}.repository`)
    yield* nonReservedPath(`${field}.directory`, source.directory ?? '')
  },
  *csi(field, source) {
    yield* requiredAnd(`${field}.driver`, source.driver, isDnsSubdomain)
    if (source.nodePublishSecretRef) yield* requiredAnd(`${field}.nodePublishSecretRef.name`, source.nodePublishSecretRef.name, isDnsSubdomain)
  },
  *ephemeral(field, source) {
    const template = source.volumeClaimTemplate
    if (!template) return yield required(`${field}.volumeClaimTemplate`)
    yield* templateMetadata(`${field}.volumeClaimTemplate.metadata`, template.metadata)
    yield* claimSpec(`${field}.volumeClaimTemplate.spec`, template.spec)
  },
  *image(field, source) {
    yield* oneOf(`${field}.pullPolicy`, source.pullPolicy, ['Always', 'IfNotPresent', 'Never'])
  },
  *iscsi(field, source) {
    if (!source.targetPortal) yield required(`${field}.targetPortal`)
    if (!source.iqn) yield required(`${field}.iqn`)
    if (source.lun !== undefined && (source.lun < 0 || source.lun > 255)) yield invalid(`${field}.lun`, source.lun, 'must be between 0 and 255, inclusive')
  },
  *fc(field, source) {
    yield* nonNegative(`${field}.lun`, source.lun)
  },
}

function* sourceOf(field: string, volume: Volume): Findings {
  const kinds = Object.keys(volume).filter((key) => key !== 'name' && volume[key as keyof Volume] !== undefined)
  for (const [index, kind] of kinds.entries()) {
    const find = sources[kind as keyof Volume] as ((field: string, source: unknown) => Findings) | undefined
    if (index > 0) yield forbidden(`${field}.${kind}`, 'may not specify more than 1 volume type')
    else if (find) yield* find(`${field}.${kind}`, volume[kind as keyof Volume])
  }
  if (kinds.length === 0) yield required(field, 'must specify a volume type')
}

interface CheckedVolumes {
  /** Those that can be mounted: without a fault. */
  volumes: VolumesByName
  errors: Iterable<ReturnType<typeof required>>
}

export function checkVolumes(field: string, all: readonly Volume[] | undefined, pod: ObjectMeta | undefined): CheckedVolumes {
  const volumes = new Map<string, Volume>()
  const created = new Set((all ?? []).filter((v) => v.ephemeral && pod?.name).map((v) => `${pod?.name}-${v.name}`))
  const errors = (all ?? []).flatMap((volume, index) => {
    const at = `${field}[${index}]`
    const own = [...sourceOf(at, volume), ...(volume.name ? checked(`${at}.name`, volume.name, isDnsLabel) : [required(`${at}.name`)])]
    if (volumes.has(volume.name)) own.push(duplicate(`${at}.name`, volume.name))
    if (own.length === 0) volumes.set(volume.name, volume)
    const claim = volume.persistentVolumeClaim?.claimName
    const clash = claim !== undefined && created.has(claim)
    return clash ? [...own, invalid(`${at}.persistentVolumeClaim.claimName`, claim, 'must not reference a PVC that gets created for an ephemeral volume')] : own
  })
  return { volumes, errors }
}
