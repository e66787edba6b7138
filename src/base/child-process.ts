// Other programs: found, run to completion, or started to outlive us.
import { spawn, type ChildProcess } from 'node:child_process'
import { accessSync, closeSync, constants, openSync } from 'node:fs'
import { join } from 'node:path'
import { moveToOwnCgroup } from './own-cgroup.ts'

export const systemPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

/** The first directory's executable of that name, absolute. Directories of `extra` come before PATH's and the system's. */
export function findExecutable(name: string, extra: readonly string[] = [], path = process.env.PATH ?? ''): string | undefined {
  const directories = [...extra, ...path.split(':'), ...systemPath.split(':')].filter((directory) => directory.startsWith('/'))
  return directories.map((directory) => join(directory, name)).find(isExecutable)
}

export function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

interface RunOptions {
  input?: string | Buffer
  env?: Record<string, string>
  timeoutMilliseconds?: number
  signal?: AbortSignal
  /** Where it runs; default: here. */
  directory?: string
}

export interface RunResult {
  /** 128 + n where signal n ended it. */
  code: number
  stdout: string
  stderr: string
}

const stallMilliseconds = 1000

/** Runs a program to its end, one without a path wherever the system has it. Rejects only when it cannot be started or its time is over. */
export function run(command: string, args: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(command.includes('/') ? command : (findExecutable(command) ?? command), args, { stdio: 'pipe', env: { ...process.env, ...options.env }, signal: options.signal, cwd: options.directory })
    const due = performance.now() + (options.timeoutMilliseconds ?? 0)
    let timer = options.timeoutMilliseconds ? setTimeout(expire, options.timeoutMilliseconds) : undefined
    function expire(): void {
      // so late, it was this process that was held up: the answer may lie there already
      if (performance.now() - due > stallMilliseconds) timer = setTimeout(giveUp, options.timeoutMilliseconds)
      else giveUp()
    }
    function giveUp(): void {
      reject(new Error(`${command}: no answer in time`))
      child.kill('SIGKILL')
    }
    const [stdout, stderr] = [collect(child.stdout), collect(child.stderr)]
    child.on('error', (error) => (clearTimeout(timer), reject(error)))
    child.on('close', (code, signal) => {
      clearTimeout(timer)
      resolve({ code: code ?? 128 + (signal === 'SIGKILL' ? 9 : 15), stdout: stdout(), stderr: stderr() })
    })
    child.stdin.on('error', () => {})
    child.stdin.end(options.input)
  })
}

function collect(stream: NodeJS.ReadableStream): () => string {
  const chunks: Buffer[] = []
  stream.on('data', (chunk: Buffer) => chunks.push(chunk))
  return () => Buffer.concat(chunks).toString()
}

interface DetachedOptions {
  command: string
  /** What it finds as its own name, and `ps` shows; default: the command. */
  name?: string
  args: readonly string[]
  env: Record<string, string>
  /** Receives both outputs, appended. */
  logFile: string
  /** Where it lives instead of in our service's, as `moveToOwnCgroup` says. */
  cgroup: string
}

/** Starts a program in its own session, which goes on when this process ends. */
export function startDetached({ command, name, args, env, logFile, cgroup }: DetachedOptions): ChildProcess {
  const log = openSync(logFile, 'a', 0o640)
  try {
    const child = spawn(command, args, { argv0: name, detached: true, stdio: ['ignore', log, log], env, cwd: '/' })
    child.unref()
    if (child.pid !== undefined) moveToOwnCgroup(child.pid, cgroup)
    return child
  } finally {
    closeSync(log)
  }
}
