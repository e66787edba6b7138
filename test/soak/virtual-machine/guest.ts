// One running machine. Its disk is served by nbdkit with a write-back cache in front: what the guest has flushed is in the file, what it
// has not is in the cache and gone when the power is cut. (qemu's own `cache=none` would keep every finished write, flushed or not: the
// host's page cache outlives qemu, and a disk that forgets what it was not told to keep would go untested.)
import { spawn, type ChildProcess } from 'node:child_process'
import { existsSync, openSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { BaseImage } from './image.ts'

export interface GuestOptions {
  image: BaseImage
  disk: string
  directory: string
  /** `dist/mk8s`, offered to the guest as /dev/vdb. */
  binary: string
  sshPort: number
  apiPort: number
  /** What the machine's clock shows at power-on, as in `2000-01-01T00:00:00`; default the present. */
  clock?: string
  /** Added to the kernel's command line. */
  kernelArguments?: string
}

export interface Result {
  code: number
  out: string
}

export class Guest {
  readonly options: GuestOptions
  #children: ChildProcess[] = []
  #ended = false

  constructor(options: GuestOptions) {
    this.options = options
  }

  async powerOn(): Promise<void> {
    const { image, disk, directory, binary, sshPort, apiPort, clock, kernelArguments = '' } = this.options
    const socket = join(directory, 'disk.sock')
    rmSync(socket, { force: true })
    this.#ended = false
    const log = openSync(join(directory, 'qemu.log'), 'a')
    const start = (command: string, args: string[]) => {
      const child = spawn(command, args, { stdio: ['ignore', log, log], env: { ...process.env, TMPDIR: directory } })
      this.#children.push(child)
      return child
    }
    start('nbdkit', ['--foreground', '--unix', socket, '--filter=cache', 'file', disk, 'cache=writeback'])
    await until('nbdkit', 10, async () => existsSync(socket))
    const qemu = start('qemu-system-x86_64', [
      '-accel', 'tcg,thread=multi', '-cpu', 'Nehalem', '-smp', process.env.CPUS ?? '2', '-m', '2048', '-nodefaults', '-display', 'none', '-no-user-config',
      '-serial', `file:${join(directory, 'console.log')}`, '-kernel', image.kernel, '-initrd', image.initrd, '-append', `root=/dev/vda rw console=ttyS0 quiet net.ifnames=0 panic=5 mitigations=off ${kernelArguments}`,
      '-drive', `file=nbd:unix:${socket},format=raw,if=virtio,cache=none`, '-drive', `file=${binary},format=raw,if=virtio,readonly=on`,
      '-netdev', `user,id=n,hostfwd=tcp:127.0.0.1:${sshPort}-:22,hostfwd=tcp:127.0.0.1:${apiPort}-:6443`, '-device', 'virtio-net-pci,netdev=n', '-device', 'virtio-rng-pci',
      '-rtc', `base=${clock ?? 'utc'}`,
    ])
    qemu.once('exit', () => (this.#ended = true))
  }

  /** Since the machine was switched on. */
  console(): string {
    return readFileSync(join(this.options.directory, 'console.log'), 'utf8')
  }

  get isOn(): boolean {
    return !this.#ended
  }

  /** The disk's cache and the machine's memory are gone at once. */
  async cutPower(): Promise<void> {
    for (const child of this.#children.reverse()) {
      if (child.exitCode !== null || child.signalCode !== null) continue
      const ended = new Promise((resolve) => child.once('exit', resolve))
      child.kill('SIGKILL')
      await ended
    }
    this.#children = []
  }

  /** Leaves no process. */
  async close(): Promise<void> {
    await execute('ssh', ['-F', 'none', '-o', `ControlPath=${join(this.options.directory, 'ssh.sock')}`, '-O', 'exit', 'root@127.0.0.1'])
    await this.cutPower()
  }

  /** Runs a command as root inside. Code 255: there is no way in. */
  run(command: string, { seconds = 120, input }: { seconds?: number; input?: string | Buffer } = {}): Promise<Result> {
    const { directory, image, sshPort } = this.options
    return execute('ssh', [
      '-F', 'none', '-i', image.key, '-p', String(sshPort), '-o', 'StrictHostKeyChecking=no', '-o', 'UserKnownHostsFile=/dev/null', '-o', 'LogLevel=ERROR', '-o', 'ConnectTimeout=60',
      '-o', 'ServerAliveInterval=10', '-o', 'ServerAliveCountMax=3', '-o', 'ControlMaster=auto', '-o', 'ControlPersist=300', '-o', `ControlPath=${join(directory, 'ssh.sock')}`, 'root@127.0.0.1', command,
    ], { seconds, input })
  }

  /** @returns the output. @throws when it fails. */
  async must(command: string, seconds?: number): Promise<string> {
    const { code, out } = await this.run(command, { seconds })
    if (code !== 0) throw new Error(`in the guest: ${command}: code ${code}: ${out.slice(-2000)}`)
    return out.trim()
  }

  async untilUp(seconds = 600): Promise<void> {
    await until('ssh', seconds, async () => {
      if (!this.isOn) throw new Error(`qemu has ended: ${readFileSync(join(this.options.directory, 'qemu.log'), 'utf8').slice(-1000)}`)
      return (await this.run('true', { seconds: 90 })).code === 0
    })
  }

  /** Orderly. @returns seconds until the machine was off. */
  async shutDown(seconds = 600): Promise<number> {
    const begun = performance.now()
    await this.run('systemctl poweroff', { seconds: 60 })
    await until('the machine to be off', seconds, async () => !this.isOn)
    const took = (performance.now() - begun) / 1000
    // nbdkit ends by SIGTERM and writes its cache out: an orderly shutdown has flushed anyway
    await this.cutPower()
    return took
  }
}

export function execute(command: string, args: readonly string[], { seconds = 120, input }: { seconds?: number; input?: string | Buffer } = {}): Promise<Result> {
  return new Promise((resolve) => {
    const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'] })
    const chunks: Buffer[] = []
    const timer = setTimeout(() => child.kill('SIGKILL'), seconds * 1000)
    const done = (code: number) => (clearTimeout(timer), resolve({ code, out: Buffer.concat(chunks).toString() }))
    child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk))
    child.stderr.on('data', (chunk: Buffer) => chunks.push(chunk))
    child.stdin.on('error', () => {})
    child.stdin.end(input)
    child.once('error', () => done(127))
    // not `close`: the connection's master process inherits the outputs and stays
    child.once('exit', (code) => setTimeout(() => done(code ?? 255), 50))
  })
}

export async function until(what: string, seconds: number, condition: () => Promise<boolean>): Promise<number> {
  const begun = performance.now()
  for (const end = begun + seconds * 1000; !(await condition()); ) {
    if (performance.now() > end) throw new Error(`not within ${seconds} s: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 500))
  }
  return (performance.now() - begun) / 1000
}
