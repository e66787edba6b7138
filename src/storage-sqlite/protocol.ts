// What the main thread and the worker say to each other. One message carries a whole group: keys as strings, everything else as numbers and
// as one buffer that changes owner in place of being copied.

type WriteKind = 'create' | 'update' | 'delete'
const writeKinds: readonly WriteKind[] = ['create', 'update', 'delete']

export interface WriteRequest {
  kind: WriteKind
  key: string
  /** Empty for a deletion. */
  value: Uint8Array
  expected: number
  lazy: boolean
  timeToLiveSeconds: number | undefined
}

type Outcome = 'done' | 'unchanged' | 'exists' | 'missing' | 'conflict' | 'full' | 'unavailable'
const outcomes: readonly Outcome[] = ['done', 'unchanged', 'exists', 'missing', 'conflict', 'full', 'unavailable']

export interface WriteResult {
  outcome: Outcome
  /** Of the write, or of the row as it is. */
  revision: number
  /** The row as it is (`exists`, `conflict`), or as it was (a deletion that is done). */
  value: Uint8Array
}

export interface WorkerRow {
  key: string
  revision: number
  value: Uint8Array
}

export type ToWorker =
  | { type: 'write'; now: number; keys: string[]; numbers: Float64Array; values: Uint8Array }
  | { type: 'get'; id: number; key: string }
  | { type: 'list'; id: number; prefix: string }
  | { type: 'flush' }
  | { type: 'expire'; now: number }
  /** Copies everything into a new file. */
  | { type: 'copy'; id: number; path: string }
  | { type: 'mark'; id: number; except: string }
  /** Gives memory back that only a load needed. */
  | { type: 'relieve' }
  | { type: 'close' }

/** What the main thread keeps timers for. */
export interface Outlook {
  /** Lazy writes are waiting for a flush. */
  unflushed: boolean
  /** Wall time in milliseconds. */
  nextExpiry: number | undefined
  isShortOfRoom: boolean
}

export type FromWorker =
  | { type: 'opened'; revision: number; outlook: Outlook }
  /** Could not be opened: one line that says what to do. */
  | { type: 'refused'; message: string; damaged: boolean }
  | { type: 'written'; numbers: Float64Array; values: Uint8Array; reason: string; outlook: Outlook }
  | { type: 'rows'; id: number; keys: string[]; numbers: Float64Array; values: Uint8Array; last: boolean; revision: number }
  | { type: 'removed'; keys: string[]; numbers: Float64Array; values: Uint8Array; outlook: Outlook }
  | { type: 'flushed'; outlook: Outlook; reason: string }
  | { type: 'failed'; message: string; damaged: boolean }
  | { type: 'copied'; id: number }
  | { type: 'marked'; id: number; mark: string }
  /** No copy was made, for this reason; the database itself is well. */
  | { type: 'notCopied'; id: number; reason: string }
  | { type: 'closed' }

export interface WorkerSettings {
  role: 'mk8s-storage'
  path: string
  nativeBinding: string | undefined
  mayCreate: boolean
  now: number
  /** Time has passed since the last write of which the clock cannot be believed. */
  isPauseDoubted: boolean
  fsyncDelayMilliseconds: number
  timeToLiveBytes: number
  reserveBytes: number
  /** Revisions go on this far beyond where they stood. */
  skipRevisions: number
}

/** An append-only buffer for the values of one message. */
function pack(values: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const packed = new Uint8Array(values.reduce((sum, value) => sum + value.length, 0))
  let at = 0
  for (const value of values) {
    packed.set(value, at)
    at += value.length
  }
  return packed
}

/** Cuts `values` into pieces of the given lengths. */
function* pieces(values: Uint8Array, length: (index: number) => number): Generator<Buffer, never, void> {
  let at = 0
  for (let index = 0; ; index++) {
    const end = at + length(index)
    yield Buffer.from(values.buffer, values.byteOffset + at, end - at)
    at = end
  }
}

const requestFields = 5

export function packWrites(writes: readonly WriteRequest[]): { keys: string[]; numbers: Float64Array; values: Uint8Array<ArrayBuffer> } {
  const numbers = new Float64Array(writes.length * requestFields)
  writes.forEach((write, i) => {
    numbers.set([writeKinds.indexOf(write.kind), write.value.length, write.expected, Number(write.lazy), write.timeToLiveSeconds ?? -1], i * requestFields)
  })
  return { keys: writes.map((write) => write.key), numbers, values: pack(writes.map((write) => write.value)) }
}

export function unpackWrites(message: { keys: string[]; numbers: Float64Array; values: Uint8Array }): WriteRequest[] {
  const field = (i: number, n: number) => message.numbers[i * requestFields + n]!
  const values = pieces(message.values, (i) => field(i, 1))
  return message.keys.map((key, i) => {
    const timeToLive = field(i, 4)
    return {
      kind: writeKinds[field(i, 0)]!, key, value: values.next().value, expected: field(i, 2), lazy: field(i, 3) === 1,
      timeToLiveSeconds: timeToLive < 0 ? undefined : timeToLive,
    }
  })
}

export function packResults(results: readonly WriteResult[]): { numbers: Float64Array; values: Uint8Array<ArrayBuffer> } {
  const numbers = new Float64Array(results.length * 3)
  results.forEach((result, i) => numbers.set([outcomes.indexOf(result.outcome), result.revision, result.value.length], i * 3))
  return { numbers, values: pack(results.map((result) => result.value)) }
}

export function unpackResults(message: { numbers: Float64Array; values: Uint8Array }): (WriteResult & { value: Buffer })[] {
  const { numbers } = message
  const values = pieces(message.values, (i) => numbers[i * 3 + 2]!)
  return Array.from({ length: numbers.length / 3 }, (_, i) => ({
    outcome: outcomes[numbers[i * 3]!]!, revision: numbers[i * 3 + 1]!, value: values.next().value,
  }))
}

export function packRows(rows: readonly WorkerRow[]): { keys: string[]; numbers: Float64Array; values: Uint8Array<ArrayBuffer> } {
  const numbers = new Float64Array(rows.length * 2)
  rows.forEach((row, i) => numbers.set([row.revision, row.value.length], i * 2))
  return { keys: rows.map((row) => row.key), numbers, values: pack(rows.map((row) => row.value)) }
}

export function unpackRows(message: { keys: string[]; numbers: Float64Array; values: Uint8Array }): { key: string; revision: number; value: Buffer }[] {
  const values = pieces(message.values, (i) => message.numbers[i * 2 + 1]!)
  return message.keys.map((key, i) => ({ key, revision: message.numbers[i * 2]!, value: values.next().value }))
}
