// What the machine offers: programs, capabilities, control groups, file systems.
import { existsSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { isUnified } from '../../base/cgroups.ts'
import { readIfThere } from '../../base/read-file.ts'
import { findExecutable, isExecutable, run } from '../../base/child-process.ts'

export interface HostFacts {
  canRaiseOomScore: boolean
  hasAppArmor: boolean
  hasSystemd: boolean
  cgroupVersion: 1 | 2
  /** Whether swap can be limited. */
  limitsSwap: boolean
}

const capSysResource = 24n

export function readHostFacts(): HostFacts {
  return {
    canRaiseOomScore: hasCapability(readFileSync('/proc/self/status', 'utf8'), capSysResource),
    hasAppArmor: readIfThere('/sys/module/apparmor/parameters/enabled').startsWith('Y') && existsSync('/sys/kernel/security/apparmor') && existsSync('/sbin/apparmor_parser'),
    hasSystemd: existsSync('/run/systemd/system'),
    cgroupVersion: isUnified() ? 2 : 1,
    limitsSwap: globSync(['/sys/fs/cgroup/memory/memory.memsw.limit_in_bytes', '/sys/fs/cgroup/*/memory.swap.max']).length > 0,
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
  if (!found) throw new Error(`${name} is missing: ${installAdvice(debianPackage)} or point --container-runtime-endpoint at a running containerd`)
  return found
}

export const installAdvice = (debianPackage: string): string => `install it (Debian: apt-get install ${debianPackage})`

/** What the pod network is made with. */
const cniPlugins = ['bridge', 'host-local', 'loopback', 'portmap']

/** The directory that has most of the plug-ins, and what it lacks. */
export function lookForCni(): { directory?: string; missing: readonly string[] } {
  const places = ['/opt/cni/bin', '/usr/lib/cni', '/usr/libexec/cni', '/usr/local/lib/cni'].map((directory) => ({ directory, missing: cniPlugins.filter((name) => !isExecutable(join(directory, name))) }))
  const best = places.reduce((a, b) => (b.missing.length < a.missing.length ? b : a))
  return best.missing.length < cniPlugins.length ? best : { missing: cniPlugins }
}

export const cniMissing = (missing: readonly string[]): string =>
  missing.length === cniPlugins.length ? 'the CNI plug-ins are missing from /opt/cni/bin and /usr/lib/cni' : `the CNI plug-in${missing.length > 1 ? 's' : ''} ${missing.join(', ')} ${missing.length > 1 ? 'are' : 'is'} missing`

export function findCniPlugins(): string {
  const { directory, missing } = lookForCni()
  if (!directory || missing.length > 0) throw new Error(`${cniMissing(missing)}: ${installAdvice('containernetworking-plugins')}`)
  return directory
}

/** The oldest containerd with version 1 of CRI. */
export const oldestContainerd = { major: 1, minor: 6 }

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
