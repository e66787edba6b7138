// Warnings about pods and pod templates (source: pkg/api/pod/warnings.go).
import type { Affinity, ObjectMeta, PodAffinity, PodSpec, PodTemplateSpec, Volume } from '../../../generated/types.ts'
import { equal } from '../equal.ts'
import { type AnyContainer } from '../pod-spec/containers.ts'
import { appArmorOfAnnotation, appArmorPrefix, seccompContainerPrefix, seccompPodAnnotation } from '../pod-spec/legacy-annotations.ts'
import { ipWarning } from '../validation/ip.ts'
import { claimSpecWarnings } from './claims.ts'
import { deprecatedKey, deprecatedLabel, nodeSelectorTermWarnings } from './node-labels.ts'
import { type PlacedPort, portNameWarnings, portWarnings } from './ports.ts'
import { virtualPathWarnings } from './virtual-paths.ts'
import { fraction, type Warnings } from './warnings.ts'

interface PodLike {
  metadata?: ObjectMeta
  spec?: PodSpec
}

interface PlacedContainer {
  field: string
  container: AnyContainer
}

const deprecatedAnnotations: Readonly<Record<string, string>> = {
  'scheduler.alpha.kubernetes.io/critical-pod': 'non-functional in v1.16+; use the "priorityClassName" field instead',
  'security.alpha.kubernetes.io/sysctls': 'non-functional in v1.11+; use the "sysctls" field instead',
  'security.alpha.kubernetes.io/unsafe-sysctls': 'non-functional in v1.11+; use the "sysctls" field instead',
}
const removedVolumes: Readonly<Record<string, string>> = {
  photonPersistentDisk: 'deprecated in v1.11, non-functional in v1.16+', gitRepo: 'deprecated in v1.11, and disabled by default in v1.33+',
  scaleIO: 'deprecated in v1.16, non-functional in v1.22+', flocker: 'deprecated in v1.22, non-functional in v1.25+',
  storageos: 'deprecated in v1.22, non-functional in v1.25+', quobyte: 'deprecated in v1.22, non-functional in v1.25+',
  glusterfs: 'deprecated in v1.25, non-functional in v1.26+', cephfs: 'deprecated in v1.28, non-functional in v1.31+', rbd: 'deprecated in v1.28, non-functional in v1.31+',
}
// `storageOS`: upstream's path is not the field's name
const pathNames: Readonly<Record<string, string>> = { storageos: 'storageOS' }
const nullSelector = 'a null labelSelector results in matching no pod'
const useSeccomp = 'non-functional in v1.27+; use the "seccompProfile" field instead'
export const useAppArmor = 'deprecated since v1.30; use the "appArmorProfile" field instead'

function* nodeChoice(field: string, spec: PodSpec): Warnings {
  for (const label of Object.keys(spec.nodeSelector ?? {})) yield* deprecatedLabel(`${field}.nodeSelector[${label}]`, label)
  const affinity = spec.affinity?.nodeAffinity
  const at = `${field}.affinity.nodeAffinity`
  for (const [index, term] of (affinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? []).entries()) {
    yield* nodeSelectorTermWarnings(`${at}.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[${index}]`, term, false)
  }
  for (const [index, { preference }] of (affinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []).entries()) {
    yield* nodeSelectorTermWarnings(`${at}.preferredDuringSchedulingIgnoredDuringExecution[${index}].preference`, preference, true)
  }
  for (const [index, { topologyKey, labelSelector }] of (spec.topologySpreadConstraints ?? []).entries()) {
    yield* deprecatedKey(`${field}.topologySpreadConstraints[${index}].topologyKey`, topologyKey)
    if (!labelSelector) yield `${field}.topologySpreadConstraints[${index}].labelSelector: ${nullSelector}`
  }
}

function* volumeWarnings(field: string, volumes: readonly Volume[]): Warnings {
  for (const [index, volume] of volumes.entries()) {
    for (const [kind, text] of Object.entries(removedVolumes)) if (kind in volume) yield `${field}[${index}].${pathNames[kind] ?? kind}: ${text}`
    yield* claimSpecWarnings(`${field}[${index}].ephemeral.volumeClaimTemplate.spec`, volume.ephemeral?.volumeClaimTemplate?.spec)
  }
  yield* virtualPathWarnings(volumes)
}

function* duplicates(field: string, key: string, values: readonly (string | undefined)[]): Warnings {
  for (const [index, value] of values.entries()) {
    if (values.indexOf(value) < index) yield `${field}[${index}].${key}: duplicate ${key} ${JSON.stringify(value)}`
  }
}

function* namedOnce(field: string, spec: PodSpec): Warnings {
  yield* duplicates(`${field}.hostAliases`, 'ip', (spec.hostAliases ?? []).map(({ ip }) => ip))
  const secrets = spec.imagePullSecrets ?? []
  yield* duplicates(`${field}.imagePullSecrets`, 'name', secrets.map(({ name = '' }) => name))
  for (const [index, { name }] of secrets.entries()) if (!name) yield `${field}.imagePullSecrets[${index}].name: invalid empty name ""`
}

function* envWarnings(field: string, env: AnyContainer['env'] = []): Warnings {
  const before = new Set<string>()
  for (const [index, { name, value = '', valueFrom }] of env.entries()) {
    const reference = `$(${name})`
    const extends_ = !valueFrom && value !== reference && value.includes(reference)
    if (before.has(name) && !extends_) yield `${field}[${index}]: hides previous definition of ${JSON.stringify(name)}, which may be dropped when using apply`
    before.add(name)
  }
}

function* containerWarnings({ field, container }: PlacedContainer, { metadata, spec }: PodLike, at: string): Warnings {
  const annotations = metadata?.annotations ?? {}
  const { name, securityContext, resources, env } = container
  const seccomp = `${seccompContainerPrefix}${name}`
  if (!securityContext?.seccompProfile && annotations[seccomp] !== undefined) yield `${at}metadata.annotations[${seccomp}]: ${useSeccomp}`
  const appArmor = annotations[`${appArmorPrefix}${name}`]
  // a pod's annotation is taken over into its field, which says the same
  if (at && appArmor !== undefined && !securityContext?.appArmorProfile) {
    const ofPod = spec?.securityContext?.appArmorProfile
    if (!ofPod || !equal(ofPod, appArmorOfAnnotation(appArmor))) yield `${at}metadata.annotations[${appArmorPrefix}${name}]: ${useAppArmor}`
  }
  for (const amount of ['memory', 'ephemeral-storage']) {
    yield* fraction(`${field}.resources.limits[${amount}]`, resources?.limits?.[amount])
    yield* fraction(`${field}.resources.requests[${amount}]`, resources?.requests?.[amount])
  }
  yield* envWarnings(`${field}.env`, env)
}

function placedContainers(field: string, spec: PodSpec): PlacedContainer[] {
  const lists = ['initContainers', 'containers', 'ephemeralContainers'] as const
  return lists.flatMap((list) => (spec[list] ?? []).map((container: AnyContainer, index) => ({ field: `${field}.${list}[${index}]`, container })))
}

function* podTerms(field: string, affinity: PodAffinity | undefined): Warnings {
  const [required, preferred] = ['requiredDuringSchedulingIgnoredDuringExecution', 'preferredDuringSchedulingIgnoredDuringExecution'] as const
  for (const [index, term] of (affinity?.[required] ?? []).entries()) if (!term.labelSelector) yield `${field}.${required}[${index}].labelSelector: ${nullSelector}`
  for (const [index, { podAffinityTerm }] of (affinity?.[preferred] ?? []).entries()) {
    if (!podAffinityTerm.labelSelector) yield `${field}.${preferred}[${index}].podAffinityTerm.labelSelector: ${nullSelector}`
  }
}

function* affinityWarnings(field: string, affinity: Affinity | undefined): Warnings {
  yield* podTerms(`${field}.podAffinity`, affinity?.podAffinity)
  yield* podTerms(`${field}.podAntiAffinity`, affinity?.podAntiAffinity)
}

/** `at` is where the pod is, as `spec.template.`; empty for a pod itself. */
export function* podWarnings(at: string, pod: PodLike | PodTemplateSpec | undefined): Warnings {
  const spec = pod?.spec
  if (!spec) return
  const field = `${at}spec`
  const annotations = pod.metadata?.annotations ?? {}
  yield* nodeChoice(field, spec)
  for (const [key, text] of Object.entries(deprecatedAnnotations)) if (annotations[key] !== undefined) yield `${at}metadata.annotations[${key}]: ${text}`
  yield* volumeWarnings(`${field}.volumes`, spec.volumes ?? [])
  yield* namedOnce(field, spec)
  for (const amount of ['memory', 'ephemeral-storage']) yield* fraction(`${field}.overhead[${amount}]`, spec.overhead?.[amount])
  if (!spec.securityContext?.seccompProfile && annotations[seccompPodAnnotation] !== undefined) yield `${at}metadata.annotations[${seccompPodAnnotation}]: ${useSeccomp}`
  const containers = placedContainers(field, spec)
  for (const placed of containers) yield* containerWarnings(placed, pod, at)
  const ports = containers.flatMap((placed) => (placed.container.ports ?? []).map((port, index): PlacedPort => ({ field: `${placed.field}.ports[${index}]`, port })))
  yield* portWarnings(ports)
  yield* portNameWarnings(ports)
  if ((spec.terminationGracePeriodSeconds ?? 0) < 0) yield `${field}.terminationGracePeriodSeconds: must be >= 0; negative values are invalid and will be treated as 1`
  yield* affinityWarnings(`${field}.affinity`, spec.affinity)
  for (const [index, server] of (spec.dnsConfig?.nameservers ?? []).entries()) yield* ipWarning(`${field}.dnsConfig.nameservers[${index}]`, server)
  for (const [index, { ip }] of (spec.hostAliases ?? []).entries()) yield* ipWarning(`${field}.hostAliases[${index}].ip`, ip)
}
