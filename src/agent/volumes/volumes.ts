// The volumes of all pods: opened together, kept current, closed and removed together.
import { mkdir, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Volume } from '../../api/generated/types.ts'
import type { AgentPod } from '../pod/types.ts'
import { openConfigMap } from './config-map.ts'
import { openClaim } from './claim.ts'
import { openDownwardApi } from './downward-api.ts'
import { openEmptyDir } from './empty-dir.ts'
import { openHostPath } from './host-path.ts'
import { openImage } from './image.ts'
import { openNfs } from './nfs.ts'
import type { OpenVolume, OpenVolumeOf, VolumeServices } from './plugin.ts'
import { openProjected } from './projected.ts'
import { openSecret } from './secret.ts'
import { VolumeError, type MountedVolume, type PodVolumes, type Volumes } from './volume.ts'

const kinds: { [K in keyof Volume]?: OpenVolumeOf } = {
  emptyDir: openEmptyDir, configMap: openConfigMap, secret: openSecret, downwardAPI: openDownwardApi, projected: openProjected, hostPath: openHostPath,
  persistentVolumeClaim: openClaim, ephemeral: openClaim, nfs: openNfs, image: openImage,
}

interface VolumesOptions extends VolumeServices {
  /** What was missing for a pod may be there now. */
  onRetry(podUid: string): void
}

interface Entry {
  open: Map<string, OpenVolume>
  ready?: PodVolumes
}

export async function openVolumes(options: VolumesOptions): Promise<Volumes> {
  const { mounter, root, memoryRoot, log } = options
  const entries = new Map<string, Entry>()
  await mkdir(root, { recursive: true, mode: 0o750 })
  await mkdir(memoryRoot, { recursive: true, mode: 0o750 })
  if ((await mounter.typeAt(memoryRoot)) !== 'tmpfs') {
    await mounter.mount({ type: 'tmpfs', source: 'tmpfs', target: memoryRoot, options: ['mode=0750'] })
      .catch((error: Error) => log.warn('secrets of pods are kept on disk, not in memory', { directory: memoryRoot, error }))
  }

  async function prepare(pod: AgentPod): Promise<PodVolumes> {
    const { uid } = pod.metadata
    const entry: Entry = entries.get(uid) ?? { open: new Map() }
    entries.set(uid, entry)
    const missing = usedVolumes(pod).filter(({ name }) => !entry.open.has(name))
    const opened = await Promise.allSettled(missing.map(async (volume) => entry.open.set(volume.name, await openOne(pod, volume))))
    if (entries.get(uid) !== entry) throw new VolumeError('the pod has ended')
    const failed = opened.find((result) => result.status === 'rejected')
    if (failed) throw failed.reason as Error
    entry.ready = new Map([...entry.open].map(([name, { path, readOnly, image }]): [string, MountedVolume] => [name, { name, path, readOnly, image }]))
    return entry.ready
  }

  async function openOne(pod: AgentPod, volume: Volume): Promise<OpenVolume> {
    const kind = (Object.keys(kinds) as (keyof Volume)[]).find((key) => volume[key] !== undefined)
    const failed = (error: Error) => new VolumeError(`MountVolume.SetUp failed for volume ${JSON.stringify(volume.name)} : ${error.message}`)
    if (!kind) throw failed(new Error('no volume plugin matched'))
    try {
      return await kinds[kind]!({ pod, volume, services: options, retry: () => options.onRetry(pod.metadata.uid) })
    } catch (error) {
      throw failed(error as Error)
    }
  }

  async function release(uid: string): Promise<void> {
    const entry = entries.get(uid)
    entries.delete(uid)
    for (const volume of entry?.open.values() ?? []) volume.close?.()
    for (const directory of [join(root, uid), join(memoryRoot, uid)]) {
      for (const target of await mounter.below(directory)) await mounter.unmount(target)
      await rm(directory, { recursive: true, force: true })
    }
  }

  return {
    prepare, release,
    of: (uid) => entries.get(uid)?.ready,
    update(pod) {
      for (const volume of entries.get(pod.metadata.uid)?.open.values() ?? []) volume.update?.(pod)
    },
    async onDisk() {
      const folders = await Promise.all([root, memoryRoot].map((directory) => readdir(directory).catch((): string[] => [])))
      return [...new Set(folders.flat())]
    },
    stop() {
      for (const { open } of entries.values()) for (const volume of open.values()) volume.close?.()
    },
  }
}

/** Volumes that no container mounts are left alone, as upstream does. */
function usedVolumes({ spec }: AgentPod): Volume[] {
  const containers = [...spec.containers, ...(spec.initContainers ?? []), ...(spec.ephemeralContainers ?? [])]
  const used = new Set(containers.flatMap((c) => [...(c.volumeMounts ?? []), ...(c.volumeDevices ?? [])]).map(({ name }) => name))
  return (spec.volumes ?? []).filter(({ name }) => used.has(name))
}
