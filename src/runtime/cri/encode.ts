// Our specs as CRI messages.
import type { Encodable } from '../../base/grpc/protobuf.ts'
import type { ContainerSpec, LinuxResources, MountSpec, SandboxSpec, SecuritySpec } from '../container-runtime.ts'
import type { containerConfig, linuxResources, sandboxConfig } from './messages.ts'

export function encodeSandbox(spec: SandboxSpec): Encodable<typeof sandboxConfig> {
  const { name, namespace, uid, attempt, logDirectory, labels, annotations, portMappings, sysctls, cgroupParent } = spec
  // A sandbox on the node's network keeps the node's name; runtimes refuse to set another.
  const hostname = spec.namespaces.network === 'node' ? '' : spec.hostname
  return {
    metadata: { name, namespace, uid, attempt }, hostname, logDirectory, dns: spec.dns, portMappings, labels, annotations,
    linux: { cgroupParent, sysctls, security: { namespaces: spec.namespaces, ...commonSecurity(spec.security) } },
  }
}

export function encodeContainer(spec: ContainerSpec, sandbox: SandboxSpec): Encodable<typeof containerConfig> {
  const { name, attempt, command, args, workingDir, env, devices, labels, annotations, logPath, stdin, stdinOnce, tty, stopSignal, security } = spec
  const namespaces = spec.targetContainerId ? { ...sandbox.namespaces, pid: 'target' as const, targetId: spec.targetContainerId } : sandbox.namespaces
  return {
    metadata: { name, attempt }, image: { image: spec.image }, command, args, workingDir, envs: env, mounts: spec.mounts.map(encodeMount), devices, labels, annotations, logPath, stdin, stdinOnce, tty,
    linux: {
      resources: encodeResources(spec.resources),
      security: {
        namespaces, ...commonSecurity(security), capabilities: security.capabilities, noNewPrivileges: security.noNewPrivileges,
        maskedPaths: security.maskedPaths ?? [], readonlyPaths: security.readonlyPaths ?? [],
      },
    },
    stopSignal,
  }
}

export const encodeResources = (resources: LinuxResources): Encodable<typeof linuxResources> => resources

const encodeMount = ({ image, ...mount }: MountSpec) => (image ? { ...mount, hostPath: '', image: { image }, imageSubPath: mount.hostPath } : mount)

function commonSecurity({ privileged, runAsUser, runAsGroup, supplementalGroups, readonlyRootfs, seccomp, apparmor, selinux }: SecuritySpec) {
  return { privileged, runAsUser: wrapped(runAsUser), runAsGroup: wrapped(runAsGroup), supplementalGroups, readonlyRootfs, seccomp, apparmor, selinux }
}

const wrapped = (value: number | undefined) => (value === undefined ? undefined : { value })
