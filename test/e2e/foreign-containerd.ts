// A containerd of another program in a box, without its CRI plug-in, and what the ctr driver has made of pods on it.
import { spawn, type ChildProcess } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathsOf } from '../../src/distro/paths.ts'
import { eventually, must, run, type Box } from './box.ts'

const list = (path: string) => (existsSync(path) ? readdirSync(path) : [])

export class ForeignContainerd {
  readonly socket: string
  readonly #box: Box
  readonly #directory: string
  #process: ChildProcess | undefined

  constructor(box: Box) {
    this.#box = box
    this.#directory = join(box.directory, 'foreign')
    this.socket = join(this.#directory, 'containerd.sock')
  }

  async start(): Promise<void> {
    const config = join(this.#directory, 'config.toml')
    mkdirSync(this.#directory, { recursive: true })
    writeFileSync(config, `version = 2\nroot = "${this.#directory}/root"\nstate = "${this.#directory}/state"\ndisabled_plugins = ["io.containerd.grpc.v1.cri"]\n[grpc]\naddress = "${this.socket}"\n`)
    this.#process = spawn('nsenter', [this.#box.enter, 'containerd', '--config', config], { stdio: 'ignore' })
    await eventually('containerd answers', () => this.ctr('version'))
  }

  async kill(): Promise<void> {
    const ended = new Promise((resolve) => this.#process!.once('exit', resolve))
    this.#process!.kill('SIGKILL')
    await ended
  }

  /** With all that is mounted in its directories. */
  async close(): Promise<void> {
    await this.kill()
    const mounted = readFileSync('/proc/self/mounts', 'utf8').split('\n').map((line) => line.split(' ')[1] ?? '').filter((path) => path.startsWith(this.#directory))
    for (const path of mounted.reverse()) await run('umount', ['--lazy', path])
  }

  /** Lines of what it prints. */
  async ctr(...args: string[]): Promise<string[]> {
    return (await must('ctr', ['--address', this.socket, '--namespace', 'k8s.io', ...args])).split('\n').filter(Boolean)
  }

  /** What there is of pods, by every kind of thing they are made of. */
  async remains() {
    const { containerd: { ctrState, ctrRun }, cniAddresses, cgroupParent } = pathsOf(this.#box.dataDir)
    return {
      containers: await this.ctr('containers', 'list', '-q'), tasks: await this.ctr('tasks', 'list', '-q'), snapshots: (await this.ctr('snapshots', 'list')).filter((line) => /\sActive/.test(line)).length,
      sandboxes: list(join(ctrState, 'sandboxes')), records: list(join(ctrState, 'containers')), run: list(ctrRun),
      links: await this.#box.inside('sh', ['-c', 'ip -o link show type veth | grep -v -e eth0 -e peer0 || true']), addresses: list(join(cniAddresses, 'mk8s')).filter((name) => /^[\d.]+$/.test(name)),
      mounts: readFileSync('/proc/self/mounts', 'utf8').split('\n').map((line) => line.split(' ')[1] ?? '').filter((path) => path.startsWith(`${ctrRun}/`) && !path.endsWith('/pause')),
      cgroups: await this.#box.inside('sh', ['-c', `find /sys/fs/cgroup -type d -path '*${cgroupParent}/*pod*-*-*' | head`]),
      chains: (await this.#box.inside('iptables-save', ['-t', 'nat'])).split('\n').filter((line) => line.startsWith(':CNI-DN-')).length,
    }
  }

  /** Waits until only the root of the pause processes is left. @returns what is there then, or after half a minute. */
  async settled() {
    await eventually('nothing is left', async () => JSON.stringify(await this.remains()) === JSON.stringify(nothing), 30).catch(() => undefined)
    return this.remains()
  }
}

export const nothing = { containers: [], tasks: [], snapshots: 1, sandboxes: [], records: [], run: ['pause'], links: '', addresses: [], mounts: [], cgroups: '', chains: 0 }
