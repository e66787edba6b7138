// Brings pod statuses to the API server: one write at a time for each pod, always the newest, without delay and without a queue.
import type { Clock, Timer } from '../../base/clock.ts'
import type { Logger } from '../../base/logger.ts'
import type { PodStatus } from '../../api/generated/types.ts'
import { pods } from '../../api/refs.ts'
import { StatusError } from '../../api/status-error.ts'
import type { Client } from '../../client/client.ts'
import type { AgentPod } from '../pod/types.ts'
import { same } from '../values.ts'
import { statusPatch } from './status-patch.ts'

export interface StatusWriter {
  /** What was last set, or what the API says of a pod seen for the first time. */
  last(pod: AgentPod): PodStatus
  set(pod: AgentPod, status: PodStatus): void
  /** Nothing waits to be written. */
  written(uid: string): boolean
  forget(uid: string): void
  /** Resolves when nothing is under way. */
  flush(): Promise<void>
  stop(): void
}

interface StatusWriterOptions {
  client: Client
  clock: Clock
  log: Logger
  /** Called when the last status of a pod has been written. */
  onWritten(uid: string): void
}

interface Entry {
  pod: AgentPod
  wanted: PodStatus
  acknowledged: PodStatus
  writing?: Promise<void>
  retry?: Timer
  failures: number
}

const retry = { first: 200, most: 30_000 }

export function createStatusWriter({ client, clock, log, onWritten }: StatusWriterOptions): StatusWriter {
  const entries = new Map<string, Entry>()
  let stopped = false
  const settled = ({ wanted, acknowledged }: Entry) => same(wanted, acknowledged)

  function push(entry: Entry): void {
    if (entry.writing || entry.retry || stopped) return
    if (settled(entry)) return onWritten(entry.pod.metadata.uid)
    entry.writing = write(entry).finally(() => {
      entry.writing = undefined
      push(entry)
    })
  }

  async function write(entry: Entry): Promise<void> {
    const { pod, wanted } = entry
    const { name, namespace, uid } = pod.metadata
    const patch = statusPatch(uid, entry.acknowledged, wanted)
    try {
      if (patch) await client.resource(pods, namespace).patch(name, patch, { type: 'strategic', subresource: 'status' })
      entry.acknowledged = wanted
      entry.failures = 0
    } catch (error) {
      if (error instanceof StatusError && (error.code === 404 || error.code === 409 || error.code === 422)) {
        if (error.code === 422) log.warn('status of a pod was refused', { pod: name, namespace, error })
        entry.acknowledged = wanted
        return
      }
      log.warn('status of a pod not written', { pod: name, namespace, error })
      const wait = Math.min(retry.first * 2 ** entry.failures++, retry.most)
      entry.retry = clock.after(wait, () => {
        entry.retry = undefined
        push(entry)
      })
    }
  }

  return {
    last: (pod) => entries.get(pod.metadata.uid)?.wanted ?? pod.status,
    set(pod, status) {
      const { uid } = pod.metadata
      const entry: Entry = entries.get(uid) ?? { pod, wanted: pod.status, acknowledged: pod.status, failures: 0 }
      entries.set(uid, entry)
      entry.pod = pod
      if (same(entry.wanted, status)) return
      entry.wanted = status
      push(entry)
    },
    written(uid) {
      const entry = entries.get(uid)
      return !entry || (!entry.writing && settled(entry))
    },
    forget(uid) {
      entries.get(uid)?.retry?.cancel()
      entries.delete(uid)
    },
    async flush() {
      await Promise.all([...entries.values()].map((entry) => entry.writing))
    },
    stop() {
      stopped = true
      for (const entry of entries.values()) entry.retry?.cancel()
    },
  }
}
