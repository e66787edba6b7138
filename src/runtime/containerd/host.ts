// What the machine offers: programs, capabilities, control groups, file systems.
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { readIfThere } from '../../base/read-file.ts'
import { findExecutable, run } from '../../base/child-process.ts'

export interface HostFacts {
  canRaiseOomScore: boolean
  hasAppArmor: boolean
  hasSystemd: boolean
  cgroupVersion: 1 | 2
}

const capSysResource = 24n

export function readHostFacts(): HostFacts {
  return {
    canRaiseOomScore: hasCapability(readFileSync('/proc/self/status', 'utf8'), capSysResource),
    hasAppArmor: readIfThere('/sys/module/apparmor/parameters/enabled').startsWith('Y') && existsSync('/sys/kernel/security/apparmor'),
    hasSystemd: existsSync('/run/systemd/system'),
    cgroupVersion: existsSync('/sys/fs/cgroup/cgroup.controllers') ? 2 : 1,
  }
}

/** `status` is the text of /proc/PID/status. */
export function hasCapability(status: string, bit: bigint): boolean {
  const mask = /^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1]
  return mask !== undefined && (BigInt(`0x${mask}`) >> bit) % 2n === 1n
}

export interface Programs {
  containerd: string
  ctr: string
  runc: string
  /** Directory with the reference CNI plug-ins. */
  cni: string
}

/** @throws an error of one line that says what to install. */
export function findPrograms(): Programs {
  return { containerd: required('containerd', 'containerd'), ctr: required('ctr', 'containerd'), runc: required('runc', 'runc'), cni: findCniPlugins() }
}

function required(name: string, debianPackage: string): string {
  const found = findExecutable(name)
  if (!found) throw new Error(`${name} is missing: install it (Debian: apt-get install ${debianPackage}) or point --container-runtime-endpoint at a running containerd`)
  return found
}

function findCniPlugins(): string {
  const found = ['/opt/cni/bin', '/usr/lib/cni', '/usr/libexec/cni', '/usr/local/lib/cni'].find((directory) => existsSync(join(directory, 'bridge')) && existsSync(join(directory, 'loopback')))
  if (!found) throw new Error('the CNI plug-ins are missing from /opt/cni/bin and /usr/lib/cni: install them (Debian: apt-get install containernetworking-plugins)')
  return found
}

/** @throws an error of one line when the version is older than 1.6. */
export async function checkVersion(containerd: string): Promise<void> {
  const { stdout } = await run(containerd, ['--version'], { timeoutMilliseconds: 60_000 })
  const version = parseVersion(stdout)
  if (version && (version.major < 1 || (version.major === 1 && version.minor < 6))) throw new Error(`${containerd} is version ${version.text}, mk8s needs 1.6 or newer`)
}

/** Of a line such as `containerd github.com/containerd/containerd 1.6.20~ds1 1.6.20~ds1-1`. */
export function parseVersion(line: string): { text: string; major: number; minor: number } | undefined {
  const found = /\sv?((\d+)\.(\d+)\.\S+)/.exec(line)
  return found ? { text: found[1]!, major: Number(found[2]), minor: Number(found[3]) } : undefined
}

/** Overlay mounts fail on some file systems (overlay itself, NFS): tried where the snapshots will be. */
export async function canMountOverlay(directory: string): Promise<boolean> {
  mkdirSync(directory, { recursive: true, mode: 0o711 })
  const trial = mkdtempSync(join(directory, 'overlay-trial-'))
  const [lower, upper, work, merged] = ['lower', 'upper', 'work', 'merged'].map((name) => join(trial, name)) as [string, string, string, string]
  try {
    for (const path of [lower, upper, work, merged]) mkdirSync(path)
    const mounted = await run('mount', ['-t', 'overlay', 'overlay', '-o', `lowerdir=${lower},upperdir=${upper},workdir=${work}`, merged], { timeoutMilliseconds: 60_000 })
    if (mounted.code === 0) await run('umount', [merged], { timeoutMilliseconds: 20_000 })
    return mounted.code === 0
  } finally {
    rmSync(trial, { recursive: true, force: true })
  }
}
