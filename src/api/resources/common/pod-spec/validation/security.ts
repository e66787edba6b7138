import { duplicate, forbidden, invalid, notSupported, required, tooLong } from '../../../../field-error.ts'
import type { AppArmorProfile, PodSecurityContext, PodSpec, SeccompProfile, SecurityContext } from '../../../../generated/types.ts'
import { isUserId } from '../../../../names.ts'
import { type Findings, messages, oneOfIfSet } from '../../validation/findings.ts'
import { descendingPath } from './paths.ts'

function* id(field: string, value: number | undefined): Findings {
  if (value !== undefined) yield* messages(field, value, isUserId(value))
}

function* seccomp(field: string, profile: SeccompProfile | undefined): Findings {
  if (!profile) return
  const types = ['Localhost', 'RuntimeDefault', 'Unconfined']
  if (!profile.type) yield required(`${field}.type`, 'type is required when seccompProfile is set')
  else if (!types.includes(profile.type)) yield notSupported(`${field}.type`, profile.type, types)
  if (profile.type !== 'Localhost') {
    if (profile.localhostProfile !== undefined) yield invalid(`${field}.localhostProfile`, profile, 'can only be set when seccomp type is Localhost')
  } else if (profile.localhostProfile === undefined) yield required(`${field}.localhostProfile`, 'must be set when seccomp type is Localhost')
  else yield* descendingPath(`${field}.localhostProfile`, profile.localhostProfile)
}

function* appArmor(field: string, profile: AppArmorProfile | undefined): Findings {
  if (!profile) return
  const own = profile.localhostProfile
  const types = ['Localhost', 'RuntimeDefault', 'Unconfined']
  if (!profile.type) yield required(`${field}.type`, 'type is required when appArmorProfile is set')
  else if (!types.includes(profile.type)) yield notSupported(`${field}.type`, profile.type, types)
  else if (profile.type !== 'Localhost') {
    if (own !== undefined) yield invalid(`${field}.localhostProfile`, own, 'can only be set when AppArmor type is Localhost')
  } else if (!own?.trim()) yield required(`${field}.localhostProfile`, 'must be set when AppArmor type is Localhost')
  else {
    if (own.trim() !== own) yield invalid(`${field}.localhostProfile`, own, 'must not be padded with whitespace')
    if (Buffer.byteLength(own) > 4095) yield tooLong(`${field}.localhostProfile`, 4095)
  }
}

const segment = '[a-z0-9]([-_a-z0-9]*[a-z0-9])?'
const sysctlName = `(${segment}[\\./])*${segment}`

function* sysctls(field: string, { sysctls: all = [] }: PodSecurityContext, spec: PodSpec): Findings {
  const seen = new Set<string>()
  for (const [index, { name }] of all.entries()) {
    const at = `${field}[${index}].name`
    if (!name) yield required(at)
    else if (name.length > 253 || !new RegExp(`^${sysctlName}$`).test(name)) {
      yield invalid(at, name, `must have at most 253 characters and match regex ^${sysctlName}$`)
    } else if (seen.has(name)) yield duplicate(at, name)
    seen.add(name)
    const plain = (name ?? '').replaceAll('/', '.')
    if (spec.hostNetwork && plain.startsWith('net.')) yield invalid(at, name, "may not be specified when 'hostNetwork' is true")
    if (spec.hostIPC && /^(kernel\.(shm|msg|sem)|fs\.mqueue\.)/.test(plain)) yield invalid(at, name, "may not be specified when 'hostIPC' is true")
  }
}

export function* podSecurity(field: string, spec: PodSpec): Findings {
  const context = spec.securityContext
  if (!context) return
  yield* id(`${field}.fsGroup`, context.fsGroup)
  yield* id(`${field}.runAsUser`, context.runAsUser)
  yield* id(`${field}.runAsGroup`, context.runAsGroup)
  for (const [index, group] of (context.supplementalGroups ?? []).entries()) yield* id(`${field}.supplementalGroups[${index}]`, group)
  if (spec.shareProcessNamespace && spec.hostPID) {
    yield invalid(`${field}.shareProcessNamespace`, true, 'ShareProcessNamespace and HostPID cannot both be enabled')
  }
  yield* sysctls(`${field}.sysctls`, context, spec)
  yield* oneOfIfSet(`${field}.fsGroupChangePolicy`, context.fsGroupChangePolicy, ['Always', 'OnRootMismatch'])
  yield* seccomp(`${field}.seccompProfile`, context.seccompProfile)
  yield* appArmor(`${field}.appArmorProfile`, context.appArmorProfile)
  yield* oneOfIfSet(`${field}.supplementalGroupsPolicy`, context.supplementalGroupsPolicy, ['Merge', 'Strict'])
  yield* oneOfIfSet(`${field}.seLinuxChangePolicy`, context.seLinuxChangePolicy, ['Recursive'])
}

export function* containerSecurity(field: string, context: SecurityContext | undefined, { hostUsers }: { hostUsers: boolean }): Findings {
  if (!context) return
  yield* id(`${field}.runAsUser`, context.runAsUser)
  yield* id(`${field}.runAsGroup`, context.runAsGroup)
  yield* oneOfIfSet(`${field}.procMount`, context.procMount, ['Default', 'Unmasked'])
  if (hostUsers && context.procMount === 'Unmasked') yield invalid(`${field}.procMount`, context.procMount, '`hostUsers` must be false to use `Unmasked`')
  yield* seccomp(`${field}.seccompProfile`, context.seccompProfile)
  if (context.allowPrivilegeEscalation === false) {
    if (context.privileged) yield invalid(field, context, 'cannot set `allowPrivilegeEscalation` to false and `privileged` to true')
    if (context.capabilities?.add?.includes('CAP_SYS_ADMIN')) {
      yield invalid(field, context, 'cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` CAP_SYS_ADMIN')
    }
  }
  yield* appArmor(`${field}.appArmorProfile`, context.appArmorProfile)
}

/** A user namespace of its own rules out some of the host's. */
export function* hostUsers(field: string, spec: PodSpec): Findings {
  if (spec.hostUsers !== false) return
  if (spec.hostNetwork) yield forbidden(`${field}.hostNetwork`, 'when `hostUsers` is false')
  if (spec.hostPID) yield forbidden(`${field}.HostPID`, 'when `hostUsers` is false')
  if (spec.hostIPC) yield forbidden(`${field}.HostIPC`, 'when `hostUsers` is false')
}
