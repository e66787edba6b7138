// What `kubectl logs` shows of one container's log file (source: k8s.io/cri-client/pkg/logs). Following ends when the container has stopped
// and everything it wrote has been read.
import { watch } from 'node:fs'
import { realpath } from 'node:fs/promises'
import { dirname } from 'node:path'
import { normalTime, parseLogLine, type LogLine } from './cri-log.ts'
import { openLogFile, type LogFile } from './log-file.ts'

export interface LogOptions {
  follow?: boolean
  timestamps?: boolean
  tailLines?: number
  limitBytes?: number
  /** RFC 3339. */
  since?: string
  stream?: 'All' | 'Stdout' | 'Stderr'
}

interface FollowOptions {
  /** Resolves when the container no longer runs, also when it did not to begin with. */
  stopped(signal: AbortSignal): Promise<void>
  /** Aborted when the reader has gone. */
  signal: AbortSignal
}

export async function* readLogs(path: string, options: LogOptions, follow: FollowOptions): AsyncGenerator<Buffer> {
  const render = createRenderer(options)
  for await (const line of options.follow ? followLines(path, options.tailLines, follow) : presentLines(path, options.tailLines)) {
    const { output, isLast } = render(line)
    if (output.length > 0) yield output
    if (isLast) return
  }
}

async function* presentLines(path: string, tail: number | undefined): AsyncGenerator<Buffer> {
  const file = await openLogFile(path, tail)
  try {
    let left = tail ?? Infinity
    for await (const line of file.lines()) {
      if (left-- <= 0) return
      yield line
    }
    if (left > 0 && file.remainder().length > 0) yield file.remainder()
  } finally {
    await file.close()
  }
}

async function* followLines(name: string, tail: number | undefined, { stopped, signal }: FollowOptions): AsyncGenerator<Buffer> {
  const path = await realpath(name)
  const changes = watchDirectory(dirname(path))
  const ended = new AbortController()
  const onGone = () => (ended.abort(), changes.wake())
  signal.addEventListener('abort', onGone, { once: true })
  let hasStopped = false
  void stopped(ended.signal).catch(() => undefined).then(() => ((hasStopped = true), changes.wake()))
  let file: LogFile | undefined
  try {
    file = await openLogFile(path, tail)
    while (!signal.aborted) {
      const seen = changes.count()
      const wasStopped = hasStopped
      yield* file.lines()
      if (await file.isReplaced()) {
        // What was written between the last read and the renaming comes first.
        yield* file.lines()
        await file.close()
        file = await openLogFile(path)
      } else if (wasStopped) return
      else await changes.after(seen)
    }
  } finally {
    ended.abort()
    signal.removeEventListener('abort', onGone)
    changes.close()
    await file?.close().catch(() => undefined)
  }
}

/** A counter of changes to wait on. */
function watchDirectory(directory: string) {
  let count = 0
  let waiting: (() => void) | undefined
  const wake = () => {
    count++
    waiting?.()
  }
  const watcher = watch(directory, { persistent: false }, wake)
  watcher.on('error', wake)
  return {
    wake,
    count: () => count,
    after: (seen: number) => new Promise<void>((resolve) => (count > seen ? resolve() : (waiting = resolve))),
    close: () => watcher.close(),
  }
}

/** Keeps track of partial lines (one prefix a line) and of the bytes that may still go out. */
function createRenderer({ timestamps = false, limitBytes = Infinity, since, stream = 'All' }: LogOptions): (line: Buffer) => { output: Buffer; isLast: boolean } {
  const from = since === undefined ? undefined : normalTime(since)
  let left = limitBytes
  let startsLine = true
  const nothing = { output: Buffer.alloc(0), isLast: false }
  return (bytes) => {
    const line = parseLogLine(bytes)
    if (!line) return nothing
    const prefixed = startsLine
    startsLine = line.content.length === 0 || line.content.at(-1) === 0x0a
    if ((from !== undefined && line.time < from) || !isWanted(line, stream)) return nothing
    const full = timestamps && prefixed ? Buffer.concat([Buffer.from(`${line.time} `), line.content]) : line.content
    const output = full.length > left ? full.subarray(0, left) : full
    left -= output.length
    return { output, isLast: left <= 0 }
  }
}

const isWanted = (line: LogLine, stream: NonNullable<LogOptions['stream']>) => stream === 'All' || stream.toLowerCase() === line.stream
