// Tells when the kernel ended a process of the machine itself, not of a pod, because memory had run out (source: pkg/kubelet/oom). The kernel's log is
// read only when its count of such ends has grown.
import { constants } from 'node:fs'
import { open, readFile } from 'node:fs/promises'
import type { Recorder } from '../events/recorder.ts'

interface Victim {
  process: string
  pid: number
}

/** A record of /dev/kmsg, as `6,339,5140900,-;text`: where the kernel names a victim outside every control group of its own. */
export function victimOf(record: string): { sequence: number; victim: Victim } | undefined {
  const [, sequence, text] = /^\d+,(\d+),[^;]*;(.*)/.exec(record) ?? []
  const [, process, pid] = /^oom-kill:.*,task_memcg=\/,task=(.*),pid=(\d+),uid=\d+/.exec(text ?? '') ?? []
  return process && pid ? { sequence: Number(sequence), victim: { process, pid: Number(pid) } } : undefined
}

interface OomWatch {
  /** Tells of what happened since the last look; the first look tells nothing. */
  look(): Promise<void>
}

export function createOomWatch(recorder: Pick<Recorder, 'node'>, files = { count: '/proc/vmstat', log: '/dev/kmsg' }): OomWatch {
  let count: number | undefined
  let last = -1
  return {
    async look() {
      const now = Number(/^oom_kill (\d+)$/m.exec(await readFile(files.count, 'utf8'))?.[1] ?? 0)
      if (now === count) return
      const first = count === undefined
      count = now
      if (first && now === 0) return
      for (const { sequence, victim } of await readVictims(files.log)) {
        if (sequence <= last) continue
        last = sequence
        if (!first) recorder.node('Warning', 'SystemOOM', `System OOM encountered, victim process: ${victim.process}, pid: ${victim.pid}`)
      }
    },
  }
}

/** Everything that is still in the kernel's buffer: one read gives one record, and none when there is no more. */
async function readVictims(path: string) {
  const found: NonNullable<ReturnType<typeof victimOf>>[] = []
  const log = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
  try {
    const buffer = Buffer.alloc(8192)
    for (;;) {
      const { bytesRead } = await log.read(buffer, 0, buffer.length, null).catch((error: NodeJS.ErrnoException) => {
        // EPIPE: the record was overwritten meanwhile, the next read goes on with the oldest there is
        if (error.code === 'EAGAIN' || error.code === 'EPIPE') return { bytesRead: error.code === 'EPIPE' ? -1 : 0 }
        throw error
      })
      if (bytesRead === 0) return found
      if (bytesRead < 0) continue
      for (const record of buffer.toString('utf8', 0, bytesRead).split('\n')) {
        const victim = victimOf(record)
        if (victim) found.push(victim)
      }
    }
  } finally {
    await log.close()
  }
}
