// Volumes made of files that the agent writes: configMap, secret, downwardAPI and projected are all lists of sources.
import { chmod, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { AgentPod } from '../pod/types.ts'
import { writePayload, type PayloadFile } from './atomic-writer.ts'
import type { OpenRequest, OpenVolume } from './plugin.ts'

export type Files = Map<string, PayloadFile>

/** A part of the payload. `read` gives what it is now. */
interface Source {
  /** Rejects with VolumeError. */
  read(pod: AgentPod): Promise<Files>
  close(): void
}

/** Makes a source; `changed` asks for another read. */
export type SourceOf = (changed: () => void) => Source

interface PayloadVolume extends OpenRequest {
  /** As in `kubernetes.io~secret`. */
  folder: string
  inMemory: boolean
  sources: readonly SourceOf[]
}

export const volumeDirectory = (root: string, uid: string, folder: string, name: string): string => join(root, uid, 'volumes', folder, name)

export async function openPayloadVolume({ pod: first, volume, services, folder, inMemory, sources, retry }: PayloadVolume): Promise<OpenVolume> {
  const path = volumeDirectory(inMemory ? services.memoryRoot : services.root, first.metadata.uid, folder, volume.name)
  let pod = first
  let opened = false
  let closed = false
  let again = false
  let writing: Promise<void> | undefined
  const changed = () => {
    if (closed) return
    if (!opened) return retry()
    again = true
    writing ??= (async () => {
      while (again && !closed) {
        again = false
        await write()
      }
    })().catch((error: Error) => services.log.debug('volume not updated', { pod: pod.metadata.name, volume: volume.name, error })).finally(() => (writing = undefined))
  }
  const open = sources.map((source) => source(changed))
  const close = () => {
    closed = true
    for (const source of open) source.close()
  }
  async function write(): Promise<void> {
    const parts = await Promise.all(open.map((source) => source.read(pod)))
    if (closed) return
    const payload = new Map(parts.flatMap((part) => [...part]))
    await writePayload({ directory: path, payload, fsGroup: pod.spec.securityContext?.fsGroup })
  }
  try {
    await mkdir(path, { recursive: true, mode: 0o750 })
    await chmod(path, inMemory ? 0o1777 : 0o777)
    await write()
    opened = true
  } catch (error) {
    if (!(error instanceof Error) || error.name !== 'VolumeError') close()
    else leaveListening()
    throw error
  }
  return { path, readOnly: true, update: (newer) => ((pod = newer), changed()), close }

  /** Until the next try, a change of what was missing calls for it. */
  function leaveListening(): void {
    services.clock.after(130_000, close)
  }
}
