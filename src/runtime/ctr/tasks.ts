// What has become of a container's process, and what follows from its end. The exit goes into the record first, then the task is deleted (which waits for the
// logger), then the container counts as exited: whoever learns of the end finds the whole log, and a crash in between changes nothing.
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import type { Decoded } from '../../base/grpc/protobuf.ts'
import { unlessGone } from '../cri/connection.ts'
import { directoryOf, rootOf, type CtrContext } from './context.ts'
import { readCgroupFile } from './cgroup-files.ts'
import { unlessNotFound } from './images.ts'
import type { ContainerRecord } from './records.ts'
import { unmount } from './rootfs.ts'
import { milliseconds, services } from './services.ts'

export type Task = Decoded<typeof services.tasks.response>['tasks'][number]

export async function findTask({ containerd }: CtrContext, id: string): Promise<Task | undefined> {
  return (await unlessGone(containerd.call(services.task, { containerId: id }), { process: undefined })).process
}

export type Exit = NonNullable<ContainerRecord['exit']>

/** The record as it is now: with its exit, when the task has ended. Under the container's lock. @param known its end as an event told it, for a task that is gone. */
export async function settle(context: CtrContext, record: ContainerRecord, known?: { code: number; at: number }): Promise<ContainerRecord> {
  if (record.phase !== 'running') return record
  const task = await findTask(context, record.id)
  if (task && ['running', 'paused', 'pausing'].includes(task.status)) return record
  const ended = record.exit ? record : context.containers.save({ ...record, exit: await exitOf(record, task, known) })
  return finish(context, ended)
}

async function exitOf(record: ContainerRecord, task: Task | undefined, known: { code: number; at: number } | undefined): Promise<Exit> {
  // A start that was cut off between its two halves.
  if (task?.status === 'created') return { code: 128, at: Date.now(), reason: 'StartError', message: 'the start was interrupted' }
  const end = task ? { code: task.exitStatus, at: milliseconds(task.exitedAt) } : known
  if (!end) return { code: 255, at: Date.now(), reason: 'Unknown', message: '' }
  return { ...end, reason: (await wasOutOfMemory(record.cgroup)) ? 'OOMKilled' : end.code === 0 ? 'Completed' : 'Error', message: '' }
}

/** The kernel counts in the group, which lasts until the task is deleted. */
async function wasOutOfMemory(cgroup: string): Promise<boolean> {
  const text = await readCgroupFile(cgroup, 'memory', 'memory.oom_control', 'memory.events')
  return Number(/^oom_kill (\d+)$/m.exec(text)?.[1] ?? 0) > 0
}

export async function finish(context: CtrContext, record: ContainerRecord): Promise<ContainerRecord> {
  await unlessNotFound(context.containerd.ctr(['tasks', 'delete', '--force', record.id]))
  if (followsPipes(record)) await loggerEnd(context, record.id)
  await unmount(rootOf(context, record.id))
  return context.containers.save({ ...record, phase: 'exited' })
}

/** Terminals and standard input need pipes of our own, and so a logger of our own. */
export const followsPipes = ({ spec }: Pick<ContainerRecord, 'spec'>): boolean => spec.tty || spec.stdin

/** It reads what is left in its pipes and ends. */
async function loggerEnd(context: CtrContext, id: string): Promise<void> {
  const pid = Number(await readFile(join(directoryOf(context, id), 'logger'), 'utf8').catch(() => '0'))
  for (let pause = 1; pid > 0 && pause < 512; pause *= 2) {
    if (!(await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).includes(directoryOf(context, id))) return
    await wait(pause)
  }
}
