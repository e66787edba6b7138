// A disk with a cache that forgets: what was not synced may be there after a power cut, wholly, in part (by sectors of 512 bytes, each old, new
// or absent) or not at all, in any order. A name made, changed or removed lasts when its directory was synced; a file's sync does not save it.
import { dirname } from 'node:path'
import type { Operation } from './recording.ts'

type Random = () => number
type Write = { kind: 'write'; offset: number; bytes: Buffer }
type Data = Write | (Operation & { kind: 'truncate' })

interface File {
  durable: Content
  /** Since the last sync. */
  pending: Data[]
  /** With what is pending. */
  size: number
}

interface Naming {
  directory: string
  /** All at once. */
  changes: readonly { path: string; file: File | undefined }[]
}

const sector = 512

export class Disk {
  readonly #lies: (path: string) => boolean
  readonly #names: Map<string, File>
  readonly #durableNames: Map<string, File>
  #pendingNames: Naming[] = []

  /** `lies` tells which syncs the disk only claims to have done. */
  constructor(files: ReadonlyMap<string, Buffer>, lies: (path: string) => boolean = () => false) {
    this.#lies = lies
    this.#names = new Map([...files].map(([path, bytes]) => [path, { durable: new Content(bytes), pending: [], size: bytes.length }]))
    this.#durableNames = new Map(this.#names)
  }

  do(operation: Operation): void {
    switch (operation.kind) {
      case 'write':
      case 'truncate': return this.#put(operation)
      case 'create': return this.#names.has(operation.path) ? undefined : this.#name([{ path: operation.path, file: { durable: new Content(), pending: [], size: 0 } }])
      case 'remove': return this.#name([{ path: operation.path, file: undefined }])
      case 'rename': return this.#name([{ path: operation.to, file: this.#names.get(operation.path) }, { path: operation.path, file: undefined }])
      case 'sync': return this.#lies(operation.path) ? undefined : this.#sync(operation.path)
    }
  }

  /** What is found when the power is back. */
  cut(random: Random): Map<string, Buffer> {
    const names = new Map(this.#durableNames)
    const survives = lossOf(random)
    for (const naming of this.#pendingNames) if (survives()) setNames(names, naming)
    return new Map([...names].map(([path, file]) => [path, afterCut(file, random)]))
  }

  #put(operation: Operation & { kind: 'write' | 'truncate' }): void {
    const file = this.#names.get(operation.path)
    if (!file) return
    const data: Data = operation.kind === 'write' ? { ...operation, offset: operation.offset ?? file.size } : operation
    file.pending.push(data)
    file.size = data.kind === 'write' ? Math.max(file.size, data.offset + data.bytes.length) : data.size
  }

  #name(changes: Naming['changes']): void {
    const naming = { directory: dirname(changes[0]!.path), changes }
    setNames(this.#names, naming)
    this.#pendingNames.push(naming)
  }

  #sync(path: string): void {
    const file = this.#names.get(path)
    if (file) {
      for (const data of file.pending) file.durable.do(data)
      file.pending = []
      return
    }
    for (const naming of this.#pendingNames) if (naming.directory === path) setNames(this.#durableNames, naming)
    this.#pendingNames = this.#pendingNames.filter((naming) => naming.directory !== path)
  }
}

function setNames(names: Map<string, File>, { changes }: Naming): void {
  for (const { path, file } of changes) {
    if (file) names.set(path, file)
    else names.delete(path)
  }
}

/** How one file (or the names) fares: nothing new survives, all does, the first so many do, or each with some chance. */
function lossOf(random: Random): () => boolean {
  const kind = Math.floor(random() * 4)
  const chance = random()
  let left = Math.floor(random() * 40)
  return [() => false, () => true, () => left-- > 0, () => random() < chance][kind]!
}

function afterCut(file: File, random: Random): Buffer {
  const survives = lossOf(random)
  const content = new Content(file.durable.bytes)
  for (const data of file.pending) {
    if (data.kind === 'write' && random() < 0.3) for (const part of sectorsOf(data)) survives() && content.do(part)
    else if (survives()) content.do(data)
  }
  return content.bytes
}

function* sectorsOf({ offset, bytes }: Write): Generator<Data> {
  for (let at = 0; at < bytes.length;) {
    const end = Math.min(bytes.length, at + sector - ((offset + at) % sector))
    yield { kind: 'write', offset: offset + at, bytes: bytes.subarray(at, end) }
    at = end
  }
}

class Content {
  #room: Buffer
  #size: number

  constructor(bytes: Buffer = Buffer.alloc(0)) {
    this.#room = Buffer.from(bytes)
    this.#size = bytes.length
  }

  get bytes(): Buffer {
    return this.#room.subarray(0, this.#size)
  }

  do(data: Data): void {
    if (data.kind === 'truncate') {
      this.#grow(data.size)
      this.#room.fill(0, data.size)
      this.#size = data.size
      return
    }
    this.#grow(data.offset + data.bytes.length)
    data.bytes.copy(this.#room, data.offset)
  }

  #grow(size: number): void {
    if (size > this.#room.length) this.#room = Buffer.concat([this.#room, Buffer.alloc(size * 2 - this.#room.length)])
    this.#size = Math.max(this.#size, size)
  }
}
