// Annotations of pods and templates that mean something (source: ValidatePodSpecificAnnotations in pkg/apis/core/validation).
import { forbidden, invalid } from '../../../../field-error.ts'
import type { AppArmorProfile, PodSpec, SeccompProfile } from '../../../../generated/types.ts'
import type { Findings } from '../../validation/findings.ts'
import type { AnyContainer } from '../containers.ts'
import { appArmorPrefix, localhostPrefix, seccompContainerPrefix, seccompPodAnnotation } from '../legacy-annotations.ts'
import { descendingPath } from './paths.ts'

type Annotations = Readonly<Record<string, string>>

const mirror = 'kubernetes.io/config.mirror'
const deletionCost = 'controller.kubernetes.io/pod-deletion-cost'

function containersOf(spec: PodSpec | undefined): { field: string; container: AnyContainer }[] {
  const lists = ['initContainers', 'containers', 'ephemeralContainers'] as const
  return lists.flatMap((list) => (spec?.[list] ?? []).map((container: AnyContainer, index) => ({ field: `${list}[${index}]`, container })))
}

function* seccomp(field: string, text: string): Findings {
  if (['runtime/default', 'docker/default', 'unconfined'].includes(text)) return
  if (text.startsWith(localhostPrefix)) yield* descendingPath(field, text.slice(localhostPrefix.length))
  else yield invalid(field, text, 'must be a valid seccomp profile')
}

export function* podAnnotations(field: string, annotations: Annotations = {}, spec?: PodSpec): Findings {
  const mirrored = annotations[mirror]
  if (mirrored !== undefined && !spec?.nodeName) yield invalid(`${field}[${mirror}]`, mirrored, 'must set spec.nodeName if mirror pod annotation is set')
  const cost = annotations[deletionCost]
  if (cost !== undefined && (!/^(0|-?[1-9]\d*)$/.test(cost) || Math.abs(Number(cost)) > 2147483647)) yield invalid(`${field}[${deletionCost}]`, cost, 'must be a 32bit integer')
  for (const [key, text] of Object.entries(annotations)) {
    if (key === seccompPodAnnotation || key.startsWith(seccompContainerPrefix)) yield* seccomp(`${field}.${key}`, text)
  }
  for (const [key, text] of Object.entries(annotations)) {
    if (!key.startsWith(appArmorPrefix)) continue
    const name = key.slice(appArmorPrefix.length)
    if (!containersOf(spec).some(({ container }) => container.name === name)) yield invalid(`${field}[${key}]`, name, 'container not found')
    if (!['', 'runtime/default', 'unconfined'].includes(text) && !text.startsWith(localhostPrefix)) {
      yield invalid(`${field}[${key}]`, text, `invalid AppArmor profile name: ${JSON.stringify(text)}`)
    }
  }
}

function* sameProfile(kind: 'seccomp' | 'apparmor', field: string, profile: SeccompProfile | AppArmorProfile | undefined, text: string | undefined): Findings {
  if (!profile || text === undefined) return
  const of: Readonly<Record<string, readonly string[]>> = { Unconfined: ['unconfined'], RuntimeDefault: kind === 'seccomp' ? ['runtime/default', 'docker/default'] : ['runtime/default'] }
  const local = profile.type === 'Localhost'
  if (local ? !text.startsWith(localhostPrefix) : of[profile.type] && !of[profile.type]!.includes(text)) {
    yield forbidden(`${field}.type`, `${kind} type in annotation and field must match`)
  } else if (local && text.slice(localhostPrefix.length) !== profile.localhostProfile) {
    yield forbidden(`${field}.localhostProfile`, `${kind} profile in annotation and field must match`)
  }
}

/** Annotations and the fields that follow them must not contradict each other. `field` is the path of the spec. */
export function* annotationsMatchFields(field: string, annotations: Annotations = {}, spec: PodSpec): Findings {
  const own = spec.securityContext
  yield* sameProfile('seccomp', `${field}.securityContext.seccompProfile`, own?.seccompProfile, annotations[seccompPodAnnotation])
  const containers = containersOf(spec)
  for (const { field: at, container: { name, securityContext } } of containers) {
    yield* sameProfile('seccomp', `${field}.${at}.securityContext.seccompProfile`, securityContext?.seccompProfile, annotations[`${seccompContainerPrefix}${name}`])
  }
  if (spec.os?.name === 'windows') return
  for (const { field: at, container: { name, securityContext } } of containers) {
    yield* sameProfile('apparmor', `${field}.${at}.securityContext.appArmorProfile`, securityContext?.appArmorProfile ?? own?.appArmorProfile, annotations[`${appArmorPrefix}${name}`])
  }
}
