// The OCI runtime specification of a sandbox's pause process and of a container (source: opencontainers/runtime-spec, config-linux).
import { existsSync } from 'node:fs'
import { RuntimeError, type ContainerSpec, type SandboxSpec, type SecuritySpec } from '../../container-runtime.ts'
import type { HostFacts } from '../../containerd/host.ts'
import type { ImageConfig } from '../images.ts'
import { capabilitiesOf, defaultCapabilities } from './capabilities.ts'
import { hostDevices, namedDevices, type DeviceRule } from './devices.ts'
import { pauseMounts, type OciMount } from './mounts.ts'
import { ociResources, oomScoreOf } from './resources.ts'
import type { ProcessUser } from './users.ts'

const defaultPath = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'
const ociVersion = '1.0.2'

/** containerd's shim runs the containers of one group in one process. Those of pods are not handed on: some mean something to runtimes. */
const groupAnnotation = 'io.containerd.runc.v2.group'

interface Confinement {
  seccomp: unknown
  apparmor: string | undefined
}

interface PauseSpecInput extends Confinement {
  spec: SandboxSpec
  id: string
  root: string
  image: ImageConfig
  user: ProcessUser
  cgroup: string
  networkNamespace?: string
  host: HostFacts
}

interface Namespace {
  type: string
  path?: string
}

export function pauseSpec({ spec, id, root, image, user, cgroup, networkNamespace, host, seccomp, apparmor }: PauseSpecInput) {
  const { namespaces } = spec
  const onNode = namespaces.network === 'node'
  return {
    ociVersion,
    process: {
      user: ociUser(user), args: [...(image.Entrypoint ?? []), ...(image.Cmd ?? [])], env: withPath(image.Env ?? []), cwd: image.WorkingDir || '/', noNewPrivileges: true,
      capabilities: capabilitySets(defaultCapabilities), oomScoreAdj: oomScoreOf(-998, host.canRaiseOomScore), ...(apparmor ? { apparmorProfile: apparmor } : {}),
    },
    root: { path: root, readonly: true },
    ...(onNode ? {} : { hostname: spec.hostname }),
    mounts: pauseMounts(),
    annotations: { [groupAnnotation]: id },
    linux: {
      sysctl: sysctlsOf(spec), cgroupsPath: cgroup,
      namespaces: [
        { type: 'mount' }, ...(namespaces.pid === 'node' ? [] : [{ type: 'pid' }]), ...(namespaces.ipc === 'node' ? [] : [{ type: 'ipc' }]),
        ...(onNode ? [] : [{ type: 'uts' }, { type: 'network', path: networkNamespace! }]), ...cgroupNamespace(host, spec.security),
      ] satisfies Namespace[],
      resources: { devices: [{ allow: false, access: 'rwm' }], cpu: { shares: 2 } },
      maskedPaths: ['/proc/acpi', '/proc/asound', '/proc/kcore', '/proc/keys', '/proc/latency_stats', '/proc/timer_list', '/proc/timer_stats', '/proc/sched_debug', '/sys/firmware', '/proc/scsi'],
      readonlyPaths: ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger'],
      ...(seccomp ? { seccomp } : {}),
    },
  }
}

/** Ports below 1024 and ping need no capability in a pod's own network, as with the CRI plug-in. */
function sysctlsOf({ sysctls, namespaces }: SandboxSpec): Record<string, string> {
  if (namespaces.network === 'node') return sysctls
  return { 'net.ipv4.ip_unprivileged_port_start': '0', 'net.ipv4.ping_group_range': '0 2147483647', ...sysctls }
}

interface ContainerSpecInput extends Confinement {
  spec: ContainerSpec
  sandbox: SandboxSpec
  sandboxId: string
  /** Of the pause process. */
  sandboxPid: number
  /** Of the container whose processes it shall see. */
  targetPid?: number
  networkNamespace?: string
  root: string
  image: ImageConfig
  user: ProcessUser
  hostname: string
  cgroup: string
  mounts: OciMount[]
  rootfsPropagation?: string
  host: HostFacts
}

export async function containerOciSpec(input: ContainerSpecInput) {
  const { spec, sandbox, sandboxId, image, host, seccomp, apparmor } = input
  const { security } = spec
  const { devices, rules } = security.privileged ? { devices: await hostDevices(), rules: [{ allow: true, access: 'rwm' }] as DeviceRule[] } : await namedDevices(spec.devices)
  return {
    ociVersion,
    process: {
      terminal: spec.tty, user: ociUser(input.user), args: argumentsOf(spec, image), env: environmentOf(spec, image, input.hostname), cwd: spec.workingDir || image.WorkingDir || '/',
      noNewPrivileges: security.noNewPrivileges ?? false, capabilities: capabilitySets(capabilitiesOf(security)), oomScoreAdj: oomScoreOf(spec.resources.oomScoreAdj, host.canRaiseOomScore),
      ...(apparmor ? { apparmorProfile: apparmor } : {}), ...selinuxLabel(security),
    },
    root: { path: input.root, readonly: security.readonlyRootfs ?? false },
    mounts: input.mounts,
    annotations: { [groupAnnotation]: sandboxId },
    linux: {
      cgroupsPath: input.cgroup, namespaces: containerNamespaces(input),
      resources: { ...ociResources(spec.resources, host), devices: [{ allow: false, access: 'rwm' }, ...rules] }, devices,
      maskedPaths: security.privileged ? [] : security.maskedPaths ?? [], readonlyPaths: security.privileged ? [] : security.readonlyPaths ?? [],
      ...(seccomp ? { seccomp } : {}), ...(input.rootfsPropagation ? { rootfsPropagation: input.rootfsPropagation } : {}),
    },
  }

  function containerNamespaces({ sandboxPid, targetPid, networkNamespace }: ContainerSpecInput): Namespace[] {
    const { network, pid, ipc } = sandbox.namespaces
    const ofSandbox = (type: string) => ({ type, path: `/proc/${sandboxPid}/ns/${type}` })
    const processes = targetPid !== undefined ? [{ type: 'pid', path: `/proc/${targetPid}/ns/pid` }] : pid === 'node' ? [] : pid === 'pod' ? [ofSandbox('pid')] : [{ type: 'pid' }]
    return [
      { type: 'mount' }, ...processes, ...(ipc === 'node' ? [] : [ofSandbox('ipc')]), ...(network === 'node' ? [] : [ofSandbox('uts'), { type: 'network', path: networkNamespace! }]),
      ...cgroupNamespace(host, security),
    ]
  }
}

/** Version 2 only, as with the CRI plug-in. */
const cgroupNamespace = (host: HostFacts, security: SecuritySpec): Namespace[] => (host.cgroupVersion === 2 && !security.privileged && existsSync('/proc/self/ns/cgroup') ? [{ type: 'cgroup' }] : [])

const ociUser = ({ uid, gid, supplementalGroups }: ProcessUser) => ({ uid, gid, additionalGids: supplementalGroups })
const capabilitySets = (list: readonly string[]) => ({ bounding: list, effective: list, permitted: list })
const withPath = (environment: readonly string[]) => (environment.some((entry) => entry.startsWith('PATH=')) ? [...environment] : [defaultPath, ...environment])

function selinuxLabel({ selinux }: SecuritySpec): { selinuxLabel?: string } {
  if (!selinux || !existsSync('/sys/fs/selinux/enforce')) return {}
  const { user = 'system_u', role = 'system_r', type = 'container_t', level = 's0' } = selinux
  return { selinuxLabel: [user || 'system_u', role || 'system_r', type || 'container_t', level || 's0'].join(':') }
}

/** @throws RuntimeError when neither spec nor image names a command. */
function argumentsOf({ command, args }: ContainerSpec, image: ImageConfig): string[] {
  const all = command.length > 0 ? [...command, ...args] : [...(image.Entrypoint ?? []), ...(args.length > 0 ? args : image.Cmd ?? [])]
  if (all.length === 0) throw new RuntimeError('Unknown', 'failed to generate container spec: no command specified')
  return all
}

/** The image's, then the container's own; the last of a name counts. */
function environmentOf({ env, tty }: ContainerSpec, image: ImageConfig, hostname: string): string[] {
  const all = [...withPath(image.Env ?? []), ...(tty ? ['TERM=xterm'] : []), `HOSTNAME=${hostname}`, ...env.map(({ key, value }) => `${key}=${value}`)]
  return [...new Map(all.map((entry) => [entry.split('=')[0]!, entry])).values()]
}
