// The file systems of a container: what every one has, what its sandbox gives, and what its spec asks for, parents before children.
import { mkdir, realpath } from 'node:fs/promises'
import { join } from 'node:path'
import { nearestMount } from '../../../base/mounts.ts'
import { RuntimeError, type ContainerSpec, type MountSpec } from '../../container-runtime.ts'

export interface OciMount {
  destination: string
  type: string
  source: string
  options: string[]
}

const kernel = (privileged: boolean): OciMount[] => [
  { destination: '/proc', type: 'proc', source: 'proc', options: ['nosuid', 'noexec', 'nodev'] },
  { destination: '/dev', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'strictatime', 'mode=755', 'size=65536k'] },
  { destination: '/dev/pts', type: 'devpts', source: 'devpts', options: ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620', 'gid=5'] },
  { destination: '/dev/mqueue', type: 'mqueue', source: 'mqueue', options: ['nosuid', 'noexec', 'nodev'] },
  { destination: '/sys', type: 'sysfs', source: 'sysfs', options: ['nosuid', 'noexec', 'nodev', privileged ? 'rw' : 'ro'] },
]

const controlGroups = (privileged: boolean): OciMount =>
  ({ destination: '/sys/fs/cgroup', type: 'cgroup', source: 'cgroup', options: ['nosuid', 'noexec', 'nodev', 'relatime', privileged ? 'rw' : 'ro'] })

export const bind = (source: string, destination: string, options: string[] = ['rprivate', 'rw']): OciMount => ({ destination, type: 'bind', source, options: ['rbind', ...options] })

export const pauseMounts = (): OciMount[] => kernel(false)

interface ContainerMounts {
  spec: ContainerSpec
  /** Where the sandbox keeps hostname, resolv.conf and hosts. */
  sandboxDirectory: string
  sharedMemory: string
}

export async function containerMounts({ spec, sandboxDirectory, sharedMemory }: ContainerMounts): Promise<{ mounts: OciMount[]; rootfsPropagation?: string }> {
  const privileged = spec.security.privileged ?? false
  const own = await Promise.all(spec.mounts.map(ownMount))
  const taken = new Set(spec.mounts.map(({ containerPath }) => containerPath.replace(/(.)\/+$/, '$1')))
  const readonly = spec.security.readonlyRootfs ? ['rprivate', 'ro'] : ['rprivate', 'rw']
  const given = [
    ...['hostname', 'hosts', 'resolv.conf'].map((name) => bind(join(sandboxDirectory, name), `/etc/${name}`, readonly)), bind(sharedMemory, '/dev/shm', ['rprivate', 'rw']),
  ]
  const all = [...kernel(privileged), controlGroups(privileged), ...given].filter(({ destination }) => !taken.has(destination))
  const depth = ({ destination }: OciMount) => destination.split('/').filter(Boolean).length
  const propagations = spec.mounts.map(({ propagation }) => propagation)
  const rootfsPropagation = propagations.includes('bidirectional') ? 'rshared' : propagations.includes('host-to-container') ? 'rslave' : undefined
  return { mounts: [...all, ...own].sort((a, b) => depth(a) - depth(b)), ...(rootfsPropagation ? { rootfsPropagation } : {}) }
}

const propagationOption = { private: 'rprivate', 'host-to-container': 'rslave', bidirectional: 'rshared' } as const

/** A source that is not there becomes a directory, as other runtimes do it. */
async function ownMount({ containerPath, hostPath, readonly, propagation }: MountSpec): Promise<OciMount> {
  const source = await realpath(hostPath).catch(async (error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw new RuntimeError('Unknown', `failed to stat ${JSON.stringify(hostPath)}: ${error.message}`, error)
    await mkdir(hostPath, { recursive: true })
    return realpath(hostPath)
  })
  if (propagation !== 'private') requirePropagation(source, propagation)
  return bind(source, containerPath, [propagationOption[propagation], readonly ? 'ro' : 'rw'])
}

/** Changes can only spread to or from a mount that is shared (or receives them). */
function requirePropagation(source: string, propagation: 'host-to-container' | 'bidirectional'): void {
  const { point = '', propagation: spreads = [] } = nearestMount(source) ?? {}
  const isShared = spreads.some((field) => field.startsWith('shared:'))
  if (isShared || (propagation === 'host-to-container' && spreads.some((field) => field.startsWith('master:')))) return
  throw new RuntimeError('Unknown', `path ${JSON.stringify(source)} is mounted on ${JSON.stringify(point)} but it is not a shared${propagation === 'bidirectional' ? '' : ' or slave'} mount`)
}
