// Runs a program under strace and tells what it did to the files of one directory, in order: the kernel's own view of the unmodified engine.
// A write counts from when it begins, a sync from when it has returned.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, rmSync } from 'node:fs'

export type Operation =
  | { readonly kind: 'create' | 'remove' | 'sync'; readonly path: string }
  | { readonly kind: 'write'; readonly path: string; /** Undefined: the end of the file. */ readonly offset: number | undefined; readonly bytes: Buffer }
  | { readonly kind: 'truncate'; readonly path: string; readonly size: number }
  | { readonly kind: 'rename'; readonly path: string; readonly to: string }
  /** Lines of the diary, beyond the disk. */
  | { readonly kind: 'said'; readonly lines: readonly string[] }

interface Recording {
  command: readonly [string, ...string[]]
  directory: string
  diary: string
  /** Makes a Node program start faster the second time. */
  codeCache: string
}

const calls = 'openat,write,pwrite64,pwritev,pwritev2,fallocate,copy_file_range,ftruncate,fsync,fdatasync,sync_file_range,unlink,unlinkat,rename,renameat,renameat2'

export async function record({ command, directory, diary, codeCache }: Recording): Promise<Operation[]> {
  const trace = `${directory}.trace`
  const child = spawn('strace', ['-f', '--seccomp-bpf', '-qqq', '-y', '-xx', '-s', '140000', '-o', trace, '-e', `trace=${calls}`, ...command], {
    stdio: ['ignore', 'ignore', 'inherit'], env: { ...process.env, NODE_COMPILE_CACHE: codeCache },
  })
  await once(child, 'exit')
  const parser = new TraceParser({ directory, diary })
  for (const line of readFileSync(trace, 'latin1').split('\n')) if (line) parser.read(line)
  rmSync(trace)
  return parser.operations
}

const quoted = /"((?:\\x[0-9a-f]{2})*)"(\.\.\.)?/g
const unhex = (text: string) => Buffer.from(text.replaceAll('\\x', ''), 'hex')

class TraceParser {
  readonly operations: Operation[] = []
  readonly #about: { directory: string; diary: string }
  readonly #unfinished = new Map<string, string>()
  readonly #known = new Set<string>()

  constructor(about: { directory: string; diary: string }) {
    this.#about = about
  }

  read(line: string): void {
    const [, thread, rest] = /^(\d+) +(.*)$/.exec(line) as unknown as [string, string, string]
    const [, name, resumed] = /^<\.\.\. (\w+) resumed>(.*)$/.exec(rest) ?? []
    if (name) {
      const begun = this.#unfinished.get(thread)!
      this.#unfinished.delete(thread)
      return this.#returned(name, begun + resumed!)
    }
    const call = rest.slice(0, rest.indexOf('('))
    const isUnfinished = rest.endsWith('<unfinished ...>')
    const text = isUnfinished ? rest.slice(0, -'<unfinished ...>'.length) : rest
    if (call.includes('write')) this.#wrote(call, text)
    if (isUnfinished) this.#unfinished.set(thread, text)
    else this.#returned(call, text)
  }

  #path(text: string): string | undefined {
    const path = /^\w+\(\d+<((?:\\x[0-9a-f]{2})+)/.exec(text)?.[1]
    return path && unhex(path).toString()
  }

  #isOurs = (path: string | undefined): path is string => path !== undefined && path.startsWith(`${this.#about.directory}/`) && !path.includes('-check')

  #wrote(call: string, text: string): void {
    const path = this.#path(text)
    const isDiary = path === this.#about.diary
    if (!isDiary && !this.#isOurs(path)) return
    const [, data, cut] = [...text.matchAll(quoted)][0] ?? []
    if (data === undefined || cut || !['write', 'pwrite64'].includes(call)) throw new Error(`cannot follow this call: ${text.slice(0, 300)}`)
    const bytes = unhex(data)
    if (isDiary) this.operations.push({ kind: 'said', lines: bytes.toString().split('\n').slice(0, -1) })
    else this.operations.push({ kind: 'write', path: path!, offset: call === 'write' ? undefined : Number(/, \d+, (\d+)/.exec(text)![1]), bytes })
  }

  #returned(call: string, text: string): void {
    if (/= -1 /.test(text)) return
    const path = this.#path(text)
    const paths = [...text.matchAll(quoted)].map(([, hex]) => unhex(hex!).toString())
    switch (call) {
      case 'openat':
        if (!text.includes('O_CREAT') || !this.#isOurs(paths[0]) || this.#known.has(paths[0])) return
        if (text.includes('O_TRUNC')) throw new Error(`cannot follow this call: ${text}`)
        this.#known.add(paths[0])
        return void this.operations.push({ kind: 'create', path: paths[0] })
      case 'fsync':
      case 'fdatasync':
        if (path === this.#about.directory || this.#isOurs(path)) this.operations.push({ kind: 'sync', path: path! })
        return
      case 'ftruncate':
        if (this.#isOurs(path)) this.operations.push({ kind: 'truncate', path, size: Number(/, (\d+)\)/.exec(text)![1]) })
        return
      case 'unlink':
      case 'unlinkat':
        if (!this.#isOurs(paths[0])) return
        this.#known.delete(paths[0])
        return void this.operations.push({ kind: 'remove', path: paths[0] })
      case 'rename':
      case 'renameat':
      case 'renameat2':
        if (!this.#isOurs(paths[0])) return
        this.#known.delete(paths[0])
        this.#known.add(paths[1]!)
        return void this.operations.push({ kind: 'rename', path: paths[0], to: paths[1]! })
      case 'fallocate':
      case 'copy_file_range':
      case 'sync_file_range':
        if (this.#isOurs(path)) throw new Error(`cannot follow this call: ${text}`)
    }
  }
}
