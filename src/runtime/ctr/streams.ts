// Commands in containers and their streams. containerd is asked itself: `ctr tasks exec` needs a terminal of its own to give one, cannot resize it, loses the
// end of a short input, and does not tell its own failures from those of the command.
import { randomBytes } from 'node:crypto'
import { constants as flags, openSync, rmSync, writeFileSync } from 'node:fs'
import { mkdir, open, rm } from 'node:fs/promises'
import { connect, Socket } from 'node:net'
import { join } from 'node:path'
import { PassThrough, type Readable } from 'node:stream'
import { run } from '../../base/child-process.ts'
import { RuntimeError, type ExecResult, type InteractiveStreams, type StreamOptions } from '../container-runtime.ts'
import { unlessGone } from '../cri/connection.ts'
import { recordOf } from './containers.ts'
import { directoryOf, type CtrContext } from './context.ts'
import { services } from './services.ts'

const processType = 'types.containerd.io/opencontainers/runtime-spec/1/Process'
const mostOutput = 16 * 1024 * 1024
const sigkill = 9

interface ExecProcess {
  containerId: string
  execId: string
}

function runningRecord(context: CtrContext, id: string) {
  const record = recordOf(context, id)
  if (record.phase !== 'running') throw new RuntimeError('Unknown', `container is in ${record.phase === 'created' ? 'CONTAINER_CREATED' : 'CONTAINER_EXITED'} state`)
  return record
}

/** As the container's own process, with another command. */
async function processSpec({ containerd }: CtrContext, id: string, command: string[], terminal: boolean): Promise<Buffer> {
  const { container } = await containerd.call(services.container, { id })
  const { process } = JSON.parse(container?.spec?.value.toString() ?? '{}') as { process: { env?: string[] } }
  const env = terminal && !process.env?.some((entry) => entry.startsWith('TERM=')) ? [...(process.env ?? []), 'TERM=xterm'] : process.env
  return Buffer.from(JSON.stringify({ ...process, env, args: command, terminal }))
}

async function startProcess(context: CtrContext, process: ExecProcess, command: string[], io: { stdin: string; stdout: string; stderr: string; terminal: boolean }): Promise<void> {
  const { containerd } = context
  const spec = { typeUrl: processType, value: await processSpec(context, process.containerId, command, io.terminal) }
  try {
    await containerd.call(services.exec, { ...process, ...io, spec })
    await containerd.call(services.start, process)
  } catch (error) {
    await forget(context, process)
    const { code, message } = error as RuntimeError
    throw new RuntimeError(code, `failed to exec in container: failed to start exec ${JSON.stringify(process.execId)}: ${message}`, error)
  }
}

const forget = ({ containerd }: CtrContext, process: ExecProcess) => containerd.call(services.deleteProcess, process).then(() => undefined, () => undefined)

/** Output goes to files, which the shim writes itself: no pipe to be read while the command runs, and few calls for a probe. */
export async function execSync(context: CtrContext, id: string, command: string[], timeoutSeconds: number): Promise<ExecResult> {
  runningRecord(context, id)
  const process = { containerId: id, execId: randomBytes(16).toString('hex') }
  const files = ['stdout', 'stderr'].map((name) => join(directoryOf(context, id), `${process.execId}.${name}`)) as [string, string]
  for (const file of files) writeFileSync(file, '', { mode: 0o600 })
  try {
    await startProcess(context, process, command, { stdin: '', stdout: files[0], stderr: files[1], terminal: false })
    const ended = context.containerd.call(services.wait, process, { timeoutMilliseconds: 0 })
    const exit = await within(ended, timeoutSeconds)
    if (!exit) {
      await unlessGone(context.containerd.call(services.kill, { ...process, signal: sigkill }), undefined)
      await ended.catch(() => undefined)
    }
    await forget(context, process)
    if (!exit) throw new RuntimeError('DeadlineExceeded', `failed to exec in container: timeout ${timeoutSeconds}s exceeded: context deadline exceeded`)
    const [stdout, stderr] = await Promise.all(files.map(readStart))
    return { exitCode: exit.exitStatus, stdout: stdout!, stderr: stderr! }
  } finally {
    for (const file of files) rmSync(file, { force: true })
  }
}

async function within<T>(work: Promise<T>, seconds: number): Promise<T | undefined> {
  if (seconds <= 0) return work
  const late = Promise.withResolvers<undefined>()
  const timer = setTimeout(() => late.resolve(undefined), seconds * 1000)
  return Promise.race([work, late.promise]).finally(() => clearTimeout(timer))
}

async function readStart(path: string): Promise<Buffer> {
  const file = await open(path)
  try {
    const { size } = await file.stat()
    if (size <= mostOutput) return await file.readFile()
    return (await file.read(Buffer.alloc(mostOutput), 0, mostOutput, 0)).buffer
  } finally {
    await file.close()
  }
}

export async function openExec(context: CtrContext, id: string, command: string[], options: StreamOptions): Promise<InteractiveStreams> {
  runningRecord(context, id)
  const process = { containerId: id, execId: randomBytes(16).toString('hex') }
  const directory = join(directoryOf(context, id), process.execId)
  const names = [...(options.stdin ? ['stdin'] : []), ...(options.stdout ? ['stdout'] : []), ...(options.stderr && !options.tty ? ['stderr'] : [])]
  const path = (name: string) => (names.includes(name) ? join(directory, name) : '')
  await mkdir(directory, { mode: 0o700 })
  if (names.length > 0) await makePipes(names.map(path))
  const [stdout, stderr] = ['stdout', 'stderr'].map((name) => (path(name) ? openReader(path(name)) : undefined))
  const stdin = path('stdin') ? openWriter(path('stdin')) : undefined
  const destroy = () => [stdin, stdout, stderr].forEach((stream) => stream?.destroy())
  try {
    await startProcess(context, process, command, { stdin: path('stdin'), stdout: path('stdout'), stderr: path('stderr'), terminal: options.tty })
  } catch (error) {
    destroy()
    await rm(directory, { recursive: true, force: true })
    throw error
  }
  stdin?.once('close', () => void context.containerd.call(services.closeInput, { ...process, stdin: true }).catch(() => undefined))
  const exit = ended()
  exit.catch(() => undefined)
  return {
    ...(stdin ? { stdin } : {}), ...(stdout ? { stdout: stdout.begin() } : {}), ...(stderr ? { stderr: stderr.begin() } : {}), exit, close: destroy,
    resize: ({ width, height }) => void context.containerd.call(services.resize, { ...process, width, height }).catch(() => undefined),
  }

  async function ended(): Promise<number> {
    try {
      const { exitStatus } = await context.containerd.call(services.wait, process, { timeoutMilliseconds: 0 })
      return exitStatus
    } finally {
      // Deleting cuts off outputs that nobody has read for two seconds.
      void Promise.all([stdout?.over, stderr?.over]).then(() => forget(context, process)).then(() => rm(directory, { recursive: true, force: true }))
      stdin?.destroy()
    }
  }
}

async function makePipes(paths: readonly string[]): Promise<void> {
  const { code, stderr } = await run('mkfifo', ['-m', '600', ...paths])
  if (code !== 0) throw new RuntimeError('Unknown', stderr.trim())
}

interface Reader {
  /** Once there is a writer: before, a pipe reads as ended. */
  begin(): Readable
  over: Promise<void>
  destroy(): void
}

function openReader(path: string): Reader {
  const fd = openSync(path, flags.O_RDONLY | flags.O_NONBLOCK)
  const over = Promise.withResolvers<void>()
  const output = new PassThrough()
  let socket: Socket | undefined
  return {
    over: over.promise,
    begin() {
      socket = new Socket({ fd, readable: true, writable: false })
      socket.on('error', () => socket?.destroy())
      socket.on('close', () => (output.end(), over.resolve()))
      socket.pipe(output)
      return output
    },
    destroy() {
      socket ??= new Socket({ fd, readable: true, writable: false })
      socket.destroy()
      output.destroy()
      over.resolve()
    },
  }
}

/** Opened for both ways, which never has to wait for a reader. */
function openWriter(path: string): Socket {
  const socket = new Socket({ fd: openSync(path, flags.O_RDWR | flags.O_NONBLOCK), readable: false, writable: true })
  socket.on('error', () => socket.destroy())
  return socket
}

/** What the logger hands on, and the container's standard input where it has one. */
export async function openAttach(context: CtrContext, id: string, options: StreamOptions): Promise<InteractiveStreams> {
  const { spec } = runningRecord(context, id)
  const directory = directoryOf(context, id)
  const source = connect(join(directory, 'attach'))
  await new Promise<void>((resolve, reject) => source.once('connect', resolve).once('error', (error) => reject(new RuntimeError('Unknown', `the output of the container cannot be followed: ${error.message}`, error))))
  const [stdout, stderr] = [new PassThrough(), new PassThrough()]
  const exit = Promise.withResolvers<number>()
  let held: Buffer = Buffer.alloc(0)
  source.on('error', () => source.destroy())
  source.on('data', (chunk: Buffer) => {
    held = held.length > 0 ? Buffer.concat([held, chunk]) : chunk
    for (; held.length >= 5 && held.length >= 5 + held.readUInt32BE(1); held = held.subarray(5 + held.readUInt32BE(1))) {
      const stream = held[0] === 1 ? stdout : stderr
      if (!(held[0] === 1 ? options.stdout : options.stderr)) continue
      if (stream.write(held.subarray(5, 5 + held.readUInt32BE(1)))) continue
      source.pause()
      stream.once('drain', () => source.resume())
    }
  })
  source.on('close', () => (stdout.end(), stderr.end(), exit.resolve(0)))
  const stdin = options.stdin && spec.stdin ? openWriter(join(directory, 'stdin')) : undefined
  if (spec.stdinOnce) stdin?.once('close', () => void context.containerd.call(services.closeInput, { containerId: id, stdin: true }).catch(() => undefined))
  return {
    ...(stdin ? { stdin } : {}), ...(options.stdout ? { stdout } : {}), ...(options.stderr && !spec.tty ? { stderr } : {}), exit: exit.promise,
    resize: ({ width, height }) => void context.containerd.call(services.resize, { containerId: id, width, height }).catch(() => undefined),
    close: () => (source.destroy(), void stdin?.destroy()),
  }
}
