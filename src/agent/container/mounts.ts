// What is mounted into a container: its volumes, /etc/hosts and the file for its last words.
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { VolumeMount } from '../../api/generated/types.ts'
import type { MountSpec } from '../../runtime/container-runtime.ts'
import type { AgentPod, PodContainer } from '../pod/types.ts'
import { nodeHosts, podHosts } from '../sandbox/hosts-file.ts'
import { podHostname } from '../sandbox/hostname.ts'
import type { PodVolumes } from '../volumes/volume.ts'
import { resolveSubPath } from '../volumes/sub-path.ts'
import { ConfigError } from './environment.ts'
import { expandStrictly } from './expand.ts'

interface MountsInput {
  pod: AgentPod
  container: PodContainer
  volumes: PodVolumes
  /** Of the container; for `subPathExpr`. */
  env: Record<string, string>
  podIps: readonly string[]
  clusterDomain: string
  /** The pod's own directory. */
  podDirectory: string
  recursiveReadOnly: boolean
  /** Makes the name of the termination log unique for each start. */
  instance: string
}

const hostsPath = '/etc/hosts'

/** Rejects with ConfigError when a volume is missing or a path leads out of its volume. */
export async function containerMounts(input: MountsInput): Promise<MountSpec[]> {
  const { pod, container, podIps } = input
  const mounts: MountSpec[] = []
  for (const mount of container.spec.volumeMounts ?? []) mounts.push(await volumeMount(input, mount))
  const own = mounts.some((m) => m.containerPath === hostsPath)
  if (!own && (pod.spec.hostNetwork || podIps.length > 0)) mounts.push(await hostsMount(input))
  const { terminationMessagePath } = container.spec
  if (terminationMessagePath) {
    const directory = join(input.podDirectory, 'containers', container.spec.name)
    const hostPath = join(directory, input.instance)
    await mkdir(directory, { recursive: true, mode: 0o750 })
    await writeFile(hostPath, '')
    await chmod(hostPath, 0o666)
    mounts.push({ containerPath: terminationMessagePath, hostPath, readonly: false, propagation: 'private' })
  }
  return mounts
}

async function volumeMount(input: MountsInput, mount: VolumeMount): Promise<MountSpec> {
  const { container, volumes, env } = input
  const volume = volumes.get(mount.name)
  if (!volume) throw new ConfigError(`cannot find volume ${JSON.stringify(mount.name)} to mount into container ${JSON.stringify(container.spec.name)}`)
  let subPath = mount.subPath ?? ''
  if (mount.subPathExpr) {
    const { text, missing } = expandStrictly(mount.subPathExpr, (name) => env[name])
    if (missing !== undefined) throw new ConfigError(`missing value for ${JSON.stringify(missing)}`)
    subPath = text
  }
  if (subPath.startsWith('/')) throw new ConfigError(`error SubPath \`${subPath}\` must not be an absolute path`)
  if (subPath.split('/').includes('..')) throw new ConfigError(`unable to provision SubPath \`${subPath}\`: must not contain '..'`)
  if (mount.recursiveReadOnly === 'Enabled' && !input.recursiveReadOnly) {
    throw new ConfigError('failed to resolve recursive read-only mode: volume ' + JSON.stringify(mount.name) + ' requested recursive read-only mode, but it is not supported by the runtime')
  }
  const hostPath = volume.image !== undefined ? subPath : subPath === '' ? volume.path : await resolveSubPath({ root: volume.path, subPath, mount, container: container.spec.name })
  const propagation = ({ Bidirectional: 'bidirectional', HostToContainer: 'host-to-container' } as const)[mount.mountPropagation ?? ''] ?? 'private'
  return {
    containerPath: mount.mountPath.startsWith('/') ? mount.mountPath : `/${mount.mountPath}`,
    hostPath,
    readonly: (mount.readOnly ?? false) || volume.readOnly,
    propagation,
    ...(volume.image === undefined ? {} : { image: volume.image }),
  }
}

async function hostsMount({ pod, podIps, clusterDomain, podDirectory }: MountsInput): Promise<MountSpec> {
  const hostPath = join(podDirectory, 'etc-hosts')
  const text = pod.spec.hostNetwork
    ? nodeHosts(await readFile(hostsPath, 'utf8'), pod.spec.hostAliases)
    : podHosts(podIps, podHostname(pod, clusterDomain), pod.spec.hostAliases)
  await mkdir(podDirectory, { recursive: true, mode: 0o750 })
  await writeFile(hostPath, text)
  await chmod(hostPath, 0o644)
  return { containerPath: hostsPath, hostPath, readonly: false, propagation: 'private' }
}
