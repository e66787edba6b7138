// What a container left as its last words: a file mounted into it, or the end of its log.
import { open } from 'node:fs/promises'
import type { ContainerStatus } from '../../runtime/container-runtime.ts'
import { annotationKeys } from '../container/labels.ts'

const limits = { message: 4096, log: 2048, lines: 80 }

/** The container's message with its last words added. Never rejects: a message that cannot be read says so. */
export async function terminationMessage(status: ContainerStatus): Promise<string> {
  const path = status.annotations[annotationKeys.terminationMessagePath]
  const mount = path ? status.mounts.find((m) => m.containerPath === path) : undefined
  let words = ''
  if (mount) {
    words = await readEnd(mount.hostPath, limits.message, 'start').catch((error: Error) => `Error on reading termination log ${mount.hostPath}: ${error.message}`)
  }
  const fallback = status.annotations[annotationKeys.terminationMessagePolicy] === 'FallbackToLogsOnError' && status.exitCode !== 0
  if (words === '' && fallback && status.logPath) words = logTail(await readEnd(status.logPath, 64 * 1024, 'end').catch(() => ''))
  return [status.message, words].filter(Boolean).join(': ')
}

async function readEnd(path: string, bytes: number, from: 'start' | 'end'): Promise<string> {
  const file = await open(path)
  try {
    const { size } = await file.stat()
    const buffer = Buffer.alloc(Math.min(size, bytes))
    await file.read(buffer, 0, buffer.length, from === 'start' ? 0 : Math.max(0, size - bytes))
    return buffer.toString('utf8')
  } finally {
    await file.close()
  }
}

/** Text of log lines as `time stream F|P text`. */
function logTail(log: string): string {
  const lines = log.split('\n').filter(Boolean).slice(-limits.lines)
  const text = lines.map((line) => {
    const [, , flag, ...words] = line.split(' ')
    return words.join(' ') + (flag === 'P' ? '' : '\n')
  }).join('')
  return Buffer.from(text).subarray(-limits.log).toString('utf8')
}
