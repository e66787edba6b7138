import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { createOomWatch, victimOf } from './system-oom.ts'

const record = (sequence: number, group: string, task: string, pid: number) =>
  `6,${sequence},5140900,-;oom-kill:constraint=CONSTRAINT_NONE,nodemask=(null),cpuset=/,mems_allowed=0,global_oom,task_memcg=${group},task=${task},pid=${pid},uid=0\n SUBSYSTEM=none\n`

test('only a victim outside every pod is one of the system', () => {
  expect(victimOf(record(7, '/', 'my, proc', 42))).toEqual({ sequence: 7, victim: { process: 'my, proc', pid: 42 } })
  expect(victimOf(record(8, '/kubepods/burstable/pod1/c', 'sh', 43))).toBeUndefined()
  expect(victimOf('6,9,1,-;Out of memory: Killed process 1 (init)')).toBeUndefined()
})

test('tells of what is new, once, and of nothing that was there before', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'mk8s-oom-'))
  const files = { count: join(directory, 'vmstat'), log: join(directory, 'kmsg') }
  const told: string[] = []
  const watch = createOomWatch({ node: (_type, reason, message) => void told.push(`${reason}: ${message}`) }, files)
  const state = async (count: number, log: string) => {
    await writeFile(files.count, `nr_free_pages 1\noom_kill ${count}\nswpin 0\n`)
    await writeFile(files.log, log)
    await watch.look()
  }
  try {
    const before = record(1, '/', 'before', 10)
    await state(1, before)
    await state(1, before)
    await state(2, before + record(5, '/kubepods/pod1/c', 'inside', 11))
    expect(told).toEqual([])
    await state(4, before + record(6, '/', 'cron', 12) + record(9, '/', 'sshd', 13))
    await state(4, before)
    expect(told).toEqual(['SystemOOM: System OOM encountered, victim process: cron, pid: 12', 'SystemOOM: System OOM encountered, victim process: sshd, pid: 13'])
  } finally {
    await rm(directory, { recursive: true })
  }
})
