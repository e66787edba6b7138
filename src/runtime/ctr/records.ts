// What the driver knows of its sandboxes and containers, one file each: everything else is named after their ids, so that a file is written before
// the first thing it stands for is made and removed after the last is gone. A file that cannot be read still says what to clean up.
import { mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { CniAttachment } from '../../cni/plugins.ts'
import type { ContainerSpec, SandboxSpec } from '../container-runtime.ts'

export interface SandboxRecord {
  id: string
  phase: 'creating' | 'ready' | 'stopped'
  spec: SandboxSpec
  createdAt: number
  cgroup: string
  networkNamespace?: string
  /** While it is attached: what has to be told to detach it. */
  network?: CniAttachment
}

/** What a container was created from is in containerd; secrets in its environment stay there. */
type KeptSpec = Omit<ContainerSpec, 'env' | 'command' | 'args'>

export interface ContainerRecord {
  id: string
  sandboxId: string
  phase: 'creating' | 'created' | 'running' | 'exited'
  spec: KeptSpec
  image: string
  imageId: string
  imageRef: string
  createdAt: number
  startedAt: number
  /** Known as soon as it has ended; the phase follows when its log is whole. */
  exit?: { code: number; at: number; reason: string; message: string }
  logPath: string
  cgroup: string
  stopSignal: string
  user: { uid: number; gid: number; supplementalGroups: number[] }
}

export interface RecordSet<R extends { id: string }> {
  get(id: string): R | undefined
  all(): R[]
  save(record: R): R
  remove(id: string): void
  /** Ids whose files cannot be read. */
  readonly broken: readonly string[]
}

export function openRecords<R extends { id: string }>(directory: string): RecordSet<R> {
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  const records = new Map<string, R>()
  const broken: string[] = []
  for (const name of readdirSync(directory)) {
    const [, id] = /^([0-9a-f]{64})\.json$/.exec(name) ?? []
    if (!id) continue
    try {
      records.set(id, JSON.parse(readFileSync(join(directory, name), 'utf8')) as R)
    } catch {
      broken.push(id)
    }
  }
  const file = (id: string) => join(directory, `${id}.json`)
  return {
    broken,
    get: (id) => records.get(id),
    all: () => [...records.values()],
    save(record) {
      writeFileSync(`${file(record.id)}.new`, JSON.stringify(record), { mode: 0o600 })
      renameSync(`${file(record.id)}.new`, file(record.id))
      records.set(record.id, record)
      return record
    },
    remove(id) {
      rmSync(file(id), { force: true })
      records.delete(id)
    },
  }
}
