// Where tests run the built binary: `Box` has a network namespace and a data directory of its own; `machine.ts` has whole machines.
import { execFile, execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { pathsOf } from '../../src/distro/paths.ts'

export const binary = new URL('../../dist/mk8s', import.meta.url).pathname

/** The stock client; another version by the environment. */
export const kubectl = process.env.KUBECTL ?? 'kubectl'

/** Debian 12's is 20: what a client has learned since then is tested where it has. */
export const kubectlMinor = Number(/"minor": *"(\d+)/.exec(execFileSync(kubectl, ['version', '--client', '-o', 'json'], { encoding: 'utf8' }))![1])

/** Of every server that is started, as in MK8S_TEST_FLAGS='--runtime-driver ctr'. */
export const furtherFlags: readonly string[] = process.env.MK8S_TEST_FLAGS?.split(' ') ?? []

interface Output {
  code: number
  stdout: string
  stderr: string
}

/** A command that goes on. */
export interface Ongoing {
  output: string
  ended: boolean
  stop(): void
}

export function run(command: string, args: readonly string[], options: { input?: string; timeout?: number; env?: NodeJS.ProcessEnv } = {}): Promise<Output> {
  return new Promise((resolve) => {
    const child = execFile(
      command, args, { timeout: options.timeout ?? 120_000, maxBuffer: 256 << 20, env: options.env ?? process.env, encoding: 'utf8' },
      (error, stdout, stderr) => resolve({ code: error ? (typeof error.code === 'number' ? error.code : 1) : 0, stdout, stderr }),
    )
    child.stdin?.on('error', () => {})
    child.stdin?.end(options.input ?? '')
  })
}

/** As `run`, and throws what the command printed when it fails. */
export async function must(command: string, args: readonly string[], options: Parameters<typeof run>[2] = {}): Promise<string> {
  const { code, stdout, stderr } = await run(command, args, options)
  if (code !== 0) throw new Error(`${command} ${args.join(' ')}: exit code ${code}\n${stderr}${stdout}`)
  return stdout
}

/** Polls until `probe` gives something truthy; the last failure is in the error. */
export async function eventually<T>(what: string, probe: () => Promise<T | undefined | false>, seconds = 60): Promise<T> {
  const end = Date.now() + seconds * 1000
  let last: unknown
  for (;;) {
    try {
      const value = await probe()
      if (value) return value
      last = value
    } catch (error) {
      last = error
    }
    if (Date.now() > end) throw new Error(`not within ${seconds} s: ${what} (last: ${last instanceof Error ? last.message : JSON.stringify(last)})`)
    await sleep(100)
  }
}

/** Something that runs one server: how to start a command in it is all that its kinds differ in. */
export abstract class Host {
  readonly directory = mkdtempSync(join(tmpdir(), 'mk8s-e2e-'))
  abstract readonly dataDir: string
  /** As commands inside see it. */
  abstract readonly kubeconfig: string
  /** The server's arguments after `mk8s server`. */
  abstract readonly flags: readonly string[]
  /** The command that runs what follows inside. */
  abstract readonly prefix: readonly [string, ...string[]]
  /** The executable, as commands inside see it. */
  readonly binary: string = binary
  readonly logFile = join(this.directory, 'mk8s.log')
  /** Of the server, beside that of the tests. */
  environment: Record<string, string> = {}
  #process: ChildProcess | undefined
  #exited: Promise<number> | undefined

  /** A file that the test and commands inside both reach. */
  shared(name: string): { outside: string; inside: string } {
    return { outside: join(this.directory, name), inside: join(this.directory, name) }
  }

  abstract open(): Promise<this>
  abstract close(): Promise<void>

  inside(command: string, args: readonly string[], options: Parameters<typeof run>[2] = {}): Promise<string> {
    return must(this.prefix[0], [...this.prefix.slice(1), command, ...args], options)
  }

  tryInside(command: string, args: readonly string[], options: Parameters<typeof run>[2] = {}): Promise<Output> {
    return run(this.prefix[0], [...this.prefix.slice(1), command, ...args], options)
  }

  /** It ends with the network namespace at the latest. */
  startInside(command: string, args: readonly string[]): Ongoing {
    const child = spawn(this.prefix[0], [...this.prefix.slice(1), command, ...args], { stdio: ['ignore', 'pipe', 'ignore'] })
    const ongoing: Ongoing = { output: '', ended: false, stop: () => child.kill() }
    child.stdout.setEncoding('utf8').on('data', (text: string) => (ongoing.output += text))
    child.once('exit', () => (ongoing.ended = true))
    return ongoing
  }

  startKubectl(args: readonly string[]): Ongoing {
    return this.startInside(kubectl, ['--kubeconfig', this.kubeconfig, ...args])
  }

  /** What a kubectl that goes on has printed, as soon as that matches. */
  async follow(args: readonly string[], wanted: RegExp): Promise<string> {
    const ongoing = this.startKubectl(args)
    try {
      return await eventually(`kubectl ${args.join(' ')} prints ${wanted}`, async () => wanted.test(ongoing.output) && ongoing.output)
    } finally {
      ongoing.stop()
    }
  }

  /** Of the server started last, as the test sees it. */
  get pid(): number {
    return this.#process!.pid!
  }

  /** Starts the server and returns at once. */
  spawn(): void {
    const log = openSync(this.logFile, 'a')
    const child = spawn(this.prefix[0], [...this.prefix.slice(1), this.binary, 'server', ...this.flags], { stdio: ['ignore', log, log], detached: true, env: { ...process.env, ...this.environment } })
    closeSync(log)
    this.#process = child
    this.#exited = new Promise((resolve) => child.once('exit', (code, signal) => resolve(code ?? (signal ? 128 : 1))))
  }

  /** Starts the server and waits until all of it has started and its node is Ready. */
  async start(seconds = 90): Promise<void> {
    const before = this.log().length
    this.spawn()
    await eventually('the node is Ready', async () => {
      if (this.#process!.exitCode !== null) throw new Error(`mk8s exited: ${this.log().slice(-2000)}`)
      return this.log().slice(before).includes('mk8s is ready') && / Ready /.test((await this.kubectl(['get', 'nodes'])).stdout)
    }, seconds)
  }

  /** Starts the server and waits until its API answers. */
  async startApi(seconds = 60): Promise<void> {
    this.spawn()
    await eventually('the API server is ready', async () => {
      if (this.#process!.exitCode !== null) throw new Error(`mk8s exited: ${this.log().slice(-2000)}`)
      return (await this.kubectl(['get', 'serviceaccount', 'default'])).code === 0
    }, seconds)
  }

  async signal(signal: NodeJS.Signals): Promise<number> {
    process.kill(this.pid, signal)
    return this.#exited!
  }

  /** Exit code, once the server has ended. */
  exited(): Promise<number> {
    return this.#exited!
  }

  kubectl(args: readonly string[], options: Parameters<typeof run>[2] = {}): Promise<Output> {
    return this.tryInside(kubectl, ['--kubeconfig', this.kubeconfig, ...args], options)
  }

  /** kubectl's standard output; throws when it fails. */
  async k(args: readonly string[], options: Parameters<typeof run>[2] = {}): Promise<string> {
    const { code, stdout, stderr } = await this.kubectl(args, options)
    if (code !== 0) throw new Error(`kubectl ${args.join(' ')}: exit code ${code}\n${stderr}${stdout}`)
    return stdout
  }

  apply(manifest: unknown): Promise<string> {
    return this.k(['apply', '-f', '-'], { input: typeof manifest === 'string' ? manifest : JSON.stringify(manifest) })
  }

  /** Of the default service account, for so long. */
  async token(seconds: number): Promise<string> {
    const request = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: { expirationSeconds: seconds } }
    return JSON.parse(await this.k(['create', '--raw', '/api/v1/namespaces/default/serviceaccounts/default/token', '-f', '-'], { input: JSON.stringify(request) })).status.token
  }

  log(): string {
    return existsSync(this.logFile) ? readFileSync(this.logFile, 'utf8') : ''
  }
}

/** Loopback, and a node address whose default route leads nowhere. */
export async function makeNodeNetwork(inside: (command: string, args: readonly string[]) => Promise<unknown>): Promise<void> {
  await inside('ip', ['link', 'set', 'lo', 'up'])
  await inside('ip', ['link', 'add', 'eth0', 'type', 'veth', 'peer', 'name', 'peer0'])
  await inside('ip', ['address', 'add', '192.0.2.10/24', 'dev', 'eth0'])
  for (const link of ['eth0', 'peer0']) await inside('ip', ['link', 'set', link, 'up'])
  await inside('ip', ['route', 'add', 'default', 'via', '192.0.2.1', 'dev', 'eth0'])
}

export class Box extends Host {
  readonly namespace = `mk8s-${this.directory.slice(-6)}`
  readonly dataDir = join(this.directory, 'data')
  readonly kubeconfig = join(this.directory, 'admin.yaml')
  /** Enters the network namespace and nothing else: `ip netns exec` would hide the cgroups. */
  readonly enter = `--net=/run/netns/${this.namespace}`
  readonly prefix = ['nsenter', this.enter] as const
  /** Of the next start. */
  flags: readonly string[]

  constructor(flags: readonly string[] = []) {
    super()
    this.flags = ['--data-dir', this.dataDir, '--write-kubeconfig', this.kubeconfig, '--config', join(this.directory, 'config.yaml'), '--node-name', 'box', ...furtherFlags, ...flags]
  }

  async open(): Promise<this> {
    await must('sh', ['-c', `: >"${join(this.directory, 'config.yaml')}"`])
    await must('ip', ['netns', 'add', this.namespace])
    await makeNodeNetwork((command, args) => this.inside(command, args))
    return this
  }

  /** Ends everything this box made. */
  async close(): Promise<void> {
    await this.tryInside(binary, ['killall', '--data-dir', this.dataDir])
    for (const pid of (await run('ip', ['netns', 'pids', this.namespace])).stdout.split('\n').filter(Boolean)) await run('kill', ['-KILL', pid])
    await run('ip', ['netns', 'delete', this.namespace])
    const { run: directory } = pathsOf(this.dataDir)
    if (existsSync(directory)) throw new Error(`killall has left ${directory}`)
    if (!process.env.MK8S_TEST_KEEP) rmSync(this.directory, { recursive: true, force: true })
  }
}
