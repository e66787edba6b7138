// The Pod Security Standards as checks (source: k8s.io/pod-security-admission/policy). Order and wording are upstream's.
import type { Container, ObjectMeta, PodSecurityContext, PodSpec, Probe, SecurityContext, Volume } from '../../../api/generated/types.ts'

export interface CheckedPod {
  metadata: ObjectMeta
  spec: PodSpec
}

export interface Violation {
  reason: string
  detail: string
}

interface Check {
  id: string
  level: 'baseline' | 'restricted'
  /** Of version 1: the first that has this check. */
  since: number
  /** A stricter check takes the place of these from baseline. */
  overrides?: readonly string[]
  check(pod: CheckedPod, minor: number): Violation | undefined
}

const containersOf = ({ spec }: CheckedPod): Container[] =>
  [...(spec.initContainers ?? []), ...spec.containers, ...((spec.ephemeralContainers ?? []) as Container[])]
const quote = (items: readonly string[]) => items.map((item) => `"${item}"`).join(', ')
const plural = (count: number, one: string, many = `${one}s`) => (count === 1 ? one : many)
const named = (names: readonly string[], word = 'container') => `${plural(names.length, word)} ${quote(names)}`
const distinct = (values: readonly string[]) => [...new Set(values)].sort()
const isWindows = ({ spec }: CheckedPod) => spec.os?.name === 'windows'
const hasOwnUsers = ({ spec }: CheckedPod) => spec.hostUsers === false

type AnyContext = PodSecurityContext & SecurityContext

interface Found {
  /** As in `pod and containers "a", "b"`. */
  setters: string
  values: string[]
}

/** Who in the pod, of its own security context and those of its containers, sets something forbidden. */
function settersOf(pod: CheckedPod, forbidden: (context: AnyContext) => readonly string[], places: 'both' | 'containers' = 'both'): Found | undefined {
  const ofPod = places === 'both' && pod.spec.securityContext ? forbidden(pod.spec.securityContext as AnyContext) : []
  const bad = containersOf(pod)
    .map(({ name, securityContext }) => ({ name, values: securityContext ? forbidden(securityContext as AnyContext) : [] }))
    .filter(({ values }) => values.length)
  if (!ofPod.length && !bad.length) return undefined
  const setters = [...(ofPod.length ? ['pod'] : []), ...(bad.length ? [named(bad.map(({ name }) => name))] : [])].join(' and ')
  return { setters, values: distinct([...ofPod, ...bad.flatMap(({ values }) => values)]) }
}

function appArmor(pod: CheckedPod): Violation | undefined {
  const allowed = ['RuntimeDefault', 'Localhost']
  const found = settersOf(pod, ({ appArmorProfile }) => (appArmorProfile && !allowed.includes(appArmorProfile.type) ? [appArmorProfile.type] : []))
  const annotations = Object.entries(pod.metadata.annotations ?? {})
    .filter(([key, value]) => key.startsWith('container.apparmor.security.beta.kubernetes.io/') && !['', 'runtime/default'].includes(value) && !value.startsWith('localhost/'))
    .map(([key, value]) => `${key}=${JSON.stringify(value)}`).sort()
  const setters = [...(found ? [found.setters] : []), ...(annotations.length ? [plural(annotations.length, 'annotation')] : [])]
  if (!setters.length) return undefined
  const values = [...(found?.values ?? []), ...annotations]
  return { reason: plural(values.length, 'forbidden AppArmor profile'), detail: `${setters.join(' and ')} must not set AppArmor profile type to ${quote(values)}` }
}

const defaultCapabilities = new Set([
  'AUDIT_WRITE', 'CHOWN', 'DAC_OVERRIDE', 'FOWNER', 'FSETID', 'KILL', 'MKNOD', 'NET_BIND_SERVICE', 'SETFCAP', 'SETGID', 'SETPCAP', 'SETUID', 'SYS_CHROOT',
])

function capabilities(pod: CheckedPod): Violation | undefined {
  const found = settersOf(pod, (context) => (context.capabilities?.add ?? []).filter((name) => !defaultCapabilities.has(name)), 'containers')
  return found && { reason: 'non-default capabilities', detail: `${found.setters} must not include ${quote(found.values)} in securityContext.capabilities.add` }
}

function restrictedCapabilities(pod: CheckedPod, minor: number): Violation | undefined {
  if (minor >= 25 && isWindows(pod)) return undefined
  const keeping = containersOf(pod).filter(({ securityContext }) => !securityContext?.capabilities?.drop?.includes('ALL')).map(({ name }) => name)
  const adding = settersOf(pod, (context) => (context.capabilities?.add ?? []).filter((name) => name !== 'NET_BIND_SERVICE'), 'containers')
  const details = [
    ...(keeping.length ? [`${named(keeping)} must set securityContext.capabilities.drop=["ALL"]`] : []),
    ...(adding ? [`${adding.setters} must not include ${quote(adding.values)} in securityContext.capabilities.add`] : []),
  ]
  return details.length ? { reason: 'unrestricted capabilities', detail: details.join('; ') } : undefined
}

function hostNamespaces({ spec }: CheckedPod): Violation | undefined {
  const used = (['hostNetwork', 'hostPID', 'hostIPC'] as const).filter((name) => spec[name]).map((name) => `${name}=true`)
  return used.length ? { reason: 'host namespaces', detail: used.join(', ') } : undefined
}

function hostPathVolumes({ spec }: CheckedPod): Violation | undefined {
  const volumes = (spec.volumes ?? []).filter(({ hostPath }) => hostPath).map(({ name }) => name)
  return volumes.length ? { reason: 'hostPath volumes', detail: named(volumes, 'volume') } : undefined
}

function hostPorts(pod: CheckedPod): Violation | undefined {
  const bad = containersOf(pod)
    .map(({ name, ports }) => ({ name, ports: (ports ?? []).flatMap(({ hostPort }) => (hostPort ? [String(hostPort)] : [])) }))
    .filter(({ ports }) => ports.length)
  const ports = distinct(bad.flatMap((one) => one.ports))
  if (!bad.length) return undefined
  const who = `${named(bad.map(({ name }) => name))} ${plural(bad.length, 'uses', 'use')}`
  return { reason: 'hostPort', detail: `${who} ${plural(ports.length, 'hostPort')} ${ports.join(', ')}` }
}

type Handler = Pick<Probe, 'httpGet' | 'tcpSocket'> | undefined
const hostsOf = (handler: Handler): string[] => [handler?.httpGet?.host, handler?.tcpSocket?.host].flatMap((host) => host || [])

function hostProbes(pod: CheckedPod): Violation | undefined {
  const bad = containersOf(pod).map(({ name, livenessProbe, readinessProbe, startupProbe, lifecycle }) => ({
    name, hosts: [livenessProbe, readinessProbe, startupProbe, lifecycle?.postStart, lifecycle?.preStop].flatMap(hostsOf),
  })).filter(({ hosts }) => hosts.length)
  if (!bad.length) return undefined
  const hosts = distinct(bad.flatMap((one) => one.hosts))
  const word = 'probe or lifecycle host'
  const who = `${named(distinct(bad.map(({ name }) => name)))} ${plural(bad.length, 'uses', 'use')}`
  return { reason: word, detail: `${who} ${plural(hosts.length, word)} ${quote(hosts)}` }
}

function privileged(pod: CheckedPod): Violation | undefined {
  const found = settersOf(pod, (context) => (context.privileged ? ['true'] : []), 'containers')
  return found && { reason: 'privileged', detail: `${found.setters} must not set securityContext.privileged=true` }
}

function procMount(pod: CheckedPod): Violation | undefined {
  const found = settersOf(pod, (context) => (context.procMount && context.procMount !== 'Default' ? [context.procMount] : []), 'containers')
  return found && { reason: 'procMount', detail: `${found.setters} must not set securityContext.procMount to ${quote(found.values)}` }
}

function seLinux(pod: CheckedPod, minor: number): Violation | undefined {
  const types = ['', 'container_t', 'container_init_t', 'container_kvm_t', ...(minor >= 31 ? ['container_engine_t'] : [])]
  const parts = { types: new Set<string>(), user: false, role: false }
  const found = settersOf(pod, ({ seLinuxOptions }) => {
    const { type = '', user, role } = seLinuxOptions ?? {}
    if (!types.includes(type)) parts.types.add(type)
    parts.user ||= Boolean(user)
    parts.role ||= Boolean(role)
    return !types.includes(type) || user || role ? ['bad'] : []
  })
  if (!found) return undefined
  const data = [
    ...(parts.types.size ? [named(distinct([...parts.types]), 'type')] : []),
    ...(parts.user ? ['user may not be set'] : []),
    ...(parts.role ? ['role may not be set'] : []),
  ]
  return { reason: 'seLinuxOptions', detail: `${found.setters} set forbidden securityContext.seLinuxOptions: ${data.join('; ')}` }
}

const seccompTypes = ['RuntimeDefault', 'Localhost']

function seccomp(pod: CheckedPod): Violation | undefined {
  const found = settersOf(pod, ({ seccompProfile }) => (seccompProfile && !seccompTypes.includes(seccompProfile.type) ? [seccompProfile.type] : []))
  return found && { reason: 'seccompProfile', detail: `${found.setters} must not set securityContext.seccompProfile.type to ${quote(found.values)}` }
}

function restrictedSeccomp(pod: CheckedPod, minor: number): Violation | undefined {
  if (minor >= 25 && isWindows(pod)) return undefined
  const explicit = seccomp(pod)
  if (explicit || pod.spec.securityContext?.seccompProfile) return explicit
  const open = containersOf(pod).filter(({ securityContext }) => !securityContext?.seccompProfile).map(({ name }) => name)
  const reason = 'seccompProfile'
  return open.length ? { reason, detail: `pod or ${named(open)} must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost"` } : undefined
}

const sysctlsSince: readonly [number, readonly string[]][] = [
  [0, ['kernel.shm_rmid_forced', 'net.ipv4.ip_local_port_range', 'net.ipv4.tcp_syncookies', 'net.ipv4.ping_group_range', 'net.ipv4.ip_unprivileged_port_start']],
  [27, ['net.ipv4.ip_local_reserved_ports']],
  [29, ['net.ipv4.tcp_keepalive_time', 'net.ipv4.tcp_fin_timeout', 'net.ipv4.tcp_keepalive_intvl', 'net.ipv4.tcp_keepalive_probes']],
  [32, ['net.ipv4.tcp_rmem', 'net.ipv4.tcp_wmem']],
]

function sysctls({ spec }: CheckedPod, minor: number): Violation | undefined {
  const allowed = new Set(sysctlsSince.filter(([since]) => minor >= since).flatMap(([, names]) => names))
  const bad = (spec.securityContext?.sysctls ?? []).map(({ name }) => name).filter((name) => !allowed.has(name))
  return bad.length ? { reason: 'forbidden sysctls', detail: bad.join(', ') } : undefined
}

function windowsHostProcess(pod: CheckedPod): Violation | undefined {
  const found = settersOf(pod, ({ windowsOptions }) => (windowsOptions?.hostProcess ? ['true'] : []))
  return found && { reason: 'hostProcess', detail: `${found.setters} must not set securityContext.windowsOptions.hostProcess=true` }
}

function privilegeEscalation(pod: CheckedPod, minor: number): Violation | undefined {
  if (minor >= 25 && isWindows(pod)) return undefined
  const bad = containersOf(pod).filter(({ securityContext }) => securityContext?.allowPrivilegeEscalation !== false).map(({ name }) => name)
  return bad.length ? { reason: 'allowPrivilegeEscalation != false', detail: `${named(bad)} must set securityContext.allowPrivilegeEscalation=false` } : undefined
}

const harmlessVolumes: readonly (keyof Volume)[] = [
  'configMap', 'csi', 'downwardAPI', 'emptyDir', 'ephemeral', 'image', 'persistentVolumeClaim', 'projected', 'secret',
]

function restrictedVolumes({ spec }: CheckedPod): Violation | undefined {
  const bad = (spec.volumes ?? []).filter((volume) => !harmlessVolumes.some((type) => volume[type] !== undefined))
  if (!bad.length) return undefined
  const types = distinct(bad.map((volume) => Object.keys(volume).find((key) => key !== 'name') ?? 'unknown'))
  const who = `${named(bad.map(({ name }) => name), 'volume')} ${plural(bad.length, 'uses', 'use')}`
  return { reason: 'restricted volume types', detail: `${who} ${plural(types.length, 'restricted volume type')} ${quote(types)}` }
}

function runAsNonRoot(pod: CheckedPod, minor: number): Violation | undefined {
  if (minor >= 35 && hasOwnUsers(pod)) return undefined
  const reason = 'runAsNonRoot != true'
  const explicit = settersOf(pod, (context) => (context.runAsNonRoot === false ? ['false'] : []))
  if (explicit) return { reason, detail: `${explicit.setters} must not set securityContext.runAsNonRoot=false` }
  if (pod.spec.securityContext?.runAsNonRoot) return undefined
  const open = containersOf(pod).filter(({ securityContext }) => securityContext?.runAsNonRoot === undefined).map(({ name }) => name)
  return open.length ? { reason, detail: `pod or ${named(open)} must set securityContext.runAsNonRoot=true` } : undefined
}

function runAsUser(pod: CheckedPod, minor: number): Violation | undefined {
  if (minor >= 35 && hasOwnUsers(pod)) return undefined
  const found = settersOf(pod, (context) => (context.runAsUser === 0 ? ['0'] : []))
  return found && { reason: 'runAsUser=0', detail: `${found.setters} must not set runAsUser=0` }
}

export const checks: readonly Check[] = [
  { id: 'appArmorProfile', level: 'baseline', since: 0, check: appArmor },
  { id: 'capabilities_baseline', level: 'baseline', since: 0, check: capabilities },
  { id: 'hostNamespaces', level: 'baseline', since: 0, check: hostNamespaces },
  { id: 'hostPathVolumes', level: 'baseline', since: 0, check: hostPathVolumes },
  { id: 'hostPorts', level: 'baseline', since: 0, check: hostPorts },
  { id: 'hostProbesAndHostLifecycle', level: 'baseline', since: 34, check: hostProbes },
  { id: 'privileged', level: 'baseline', since: 0, check: privileged },
  { id: 'procMount', level: 'baseline', since: 0, check: (pod, minor) => (minor >= 35 && hasOwnUsers(pod) ? undefined : procMount(pod)) },
  { id: 'seLinuxOptions', level: 'baseline', since: 0, check: seLinux },
  { id: 'seccompProfile_baseline', level: 'baseline', since: 0, check: seccomp },
  { id: 'sysctls', level: 'baseline', since: 0, check: sysctls },
  { id: 'windowsHostProcess', level: 'baseline', since: 0, check: windowsHostProcess },
  { id: 'allowPrivilegeEscalation', level: 'restricted', since: 8, check: privilegeEscalation },
  { id: 'capabilities_restricted', level: 'restricted', since: 22, overrides: ['capabilities_baseline'], check: restrictedCapabilities },
  { id: 'procMount_restricted', level: 'restricted', since: 35, overrides: ['procMount'], check: procMount },
  { id: 'restrictedVolumes', level: 'restricted', since: 0, overrides: ['hostPathVolumes'], check: restrictedVolumes },
  { id: 'runAsNonRoot', level: 'restricted', since: 0, check: runAsNonRoot },
  { id: 'runAsUser', level: 'restricted', since: 23, check: runAsUser },
  { id: 'seccompProfile_restricted', level: 'restricted', since: 19, overrides: ['seccompProfile_baseline'], check: restrictedSeccomp },
]
