// The security settings of a container: its own before the pod's.
import type { Container, PodSecurityContext, SecurityContext } from '../../api/generated/types.ts'
import type { Image, SandboxSpec, SecuritySpec } from '../../runtime/container-runtime.ts'
import { podFullName, type AgentPod } from '../pod/types.ts'
import { ConfigError } from './environment.ts'

const maskedPaths = [
  '/proc/asound', '/proc/acpi', '/proc/interrupts', '/proc/kcore', '/proc/keys', '/proc/latency_stats', '/proc/timer_list', '/proc/timer_stats', '/proc/sched_debug', '/proc/scsi',
  '/sys/firmware', '/sys/devices/virtual/powercap',
]
const readonlyPaths = ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger']

type Profile = { type: string; localhostProfile?: string }

/** @param root where profiles of type Localhost are kept. */
function profile(given: Profile | undefined, root: string): SecuritySpec['seccomp'] {
  if (given?.type === 'RuntimeDefault') return { type: 'RuntimeDefault' }
  if (given?.type === 'Localhost') return { type: 'Localhost', localhost: `${root}${given.localhostProfile ?? ''}` }
  return undefined
}

function supplementalGroups(context: PodSecurityContext | undefined): number[] {
  return [...(context?.fsGroup === undefined ? [] : [context.fsGroup]), ...(context?.supplementalGroups ?? [])]
}

interface SecurityInput {
  pod: AgentPod
  container: Container
  image?: Image
  seccompRoot: string
}

/** @throws ConfigError when the container would run as root and may not. */
export function containerSecurity({ pod, container, image, seccompRoot }: SecurityInput): SecuritySpec {
  const whole = pod.spec.securityContext
  const own: SecurityContext = container.securityContext ?? {}
  const runAsUser = own.runAsUser ?? whole?.runAsUser
  const refuse = (why: string) => new ConfigError(`${why} (pod: ${JSON.stringify(podFullName(pod))}, container: ${container.name})`)
  if (own.runAsNonRoot ?? whole?.runAsNonRoot) {
    if (runAsUser === 0) throw refuse("container's runAsUser breaks non-root policy")
    const named = image?.uid === undefined && image?.username
    if (runAsUser === undefined && named) throw refuse(`container has runAsNonRoot and image has non-numeric user (${image.username}), cannot verify user is non-root`)
    if (runAsUser === undefined && (image?.uid ?? 0) === 0) throw refuse('container has runAsNonRoot and image will run as root')
  }
  const unmasked = own.procMount === 'Unmasked'
  const privileged = own.privileged ?? false
  return {
    privileged,
    runAsUser,
    runAsGroup: own.runAsGroup ?? whole?.runAsGroup,
    supplementalGroups: supplementalGroups(whole),
    readonlyRootfs: own.readOnlyRootFilesystem ?? false,
    noNewPrivileges: own.allowPrivilegeEscalation === false,
    ...(own.capabilities ? { capabilities: { add: own.capabilities.add ?? [], drop: own.capabilities.drop ?? [] } } : {}),
    seccomp: profile(own.seccompProfile ?? whole?.seccompProfile, `${seccompRoot}/`) ?? { type: 'Unconfined' },
    apparmor: own.appArmorProfile ?? whole?.appArmorProfile ? apparmor(own.appArmorProfile ?? whole?.appArmorProfile) : undefined,
    selinux: own.seLinuxOptions ?? whole?.seLinuxOptions,
    maskedPaths: unmasked || privileged ? [] : maskedPaths,
    readonlyPaths: unmasked || privileged ? [] : readonlyPaths,
  }
}

const apparmor = (given: Profile | undefined): SecuritySpec['apparmor'] => (given?.type === 'Unconfined' ? { type: 'Unconfined' } : profile(given, ''))

export function sandboxSecurity(pod: AgentPod): SecuritySpec {
  const context = pod.spec.securityContext
  const privileged = [...pod.spec.containers, ...(pod.spec.initContainers ?? [])].some((c) => c.securityContext?.privileged)
  return {
    privileged,
    runAsUser: context?.runAsUser,
    runAsGroup: context?.runAsGroup,
    supplementalGroups: supplementalGroups(context),
    seccomp: { type: 'RuntimeDefault' },
    selinux: context?.seLinuxOptions,
  }
}

export function namespacesOf({ spec }: AgentPod): SandboxSpec['namespaces'] {
  return {
    network: spec.hostNetwork ? 'node' : 'pod',
    ipc: spec.hostIPC ? 'node' : 'pod',
    pid: spec.hostPID ? 'node' : spec.shareProcessNamespace ? 'pod' : 'container',
  }
}
