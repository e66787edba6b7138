// Which capabilities a container has: the usual fourteen, what is added and dropped, or all that this machine can give.
import { readFileSync } from 'node:fs'
import type { SecuritySpec } from '../../container-runtime.ts'

/** By number (source: linux/capability.h). */
const names = [
  'CHOWN', 'DAC_OVERRIDE', 'DAC_READ_SEARCH', 'FOWNER', 'FSETID', 'KILL', 'SETGID', 'SETUID', 'SETPCAP', 'LINUX_IMMUTABLE', 'NET_BIND_SERVICE', 'NET_BROADCAST', 'NET_ADMIN', 'NET_RAW',
  'IPC_LOCK', 'IPC_OWNER', 'SYS_MODULE', 'SYS_RAWIO', 'SYS_CHROOT', 'SYS_PTRACE', 'SYS_PACCT', 'SYS_ADMIN', 'SYS_BOOT', 'SYS_NICE', 'SYS_RESOURCE', 'SYS_TIME', 'SYS_TTY_CONFIG', 'MKNOD',
  'LEASE', 'AUDIT_WRITE', 'AUDIT_CONTROL', 'SETFCAP', 'MAC_OVERRIDE', 'MAC_ADMIN', 'SYSLOG', 'WAKE_ALARM', 'BLOCK_SUSPEND', 'AUDIT_READ', 'PERFMON', 'BPF', 'CHECKPOINT_RESTORE',
].map((name) => `CAP_${name}`)

export const defaultCapabilities = ['CHOWN', 'DAC_OVERRIDE', 'FSETID', 'FOWNER', 'MKNOD', 'NET_RAW', 'SETGID', 'SETUID', 'SETFCAP', 'SETPCAP', 'NET_BIND_SERVICE', 'SYS_CHROOT', 'KILL', 'AUDIT_WRITE'].map((name) => `CAP_${name}`)

/** Of this process, and so the most that can be handed on. */
export function currentCapabilities(status = readFileSync('/proc/self/status', 'utf8')): string[] {
  const mask = BigInt(`0x${/^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? '0'}`)
  return names.filter((_name, bit) => (mask >> BigInt(bit)) % 2n === 1n)
}

const withPrefix = (name: string) => (name.toUpperCase().startsWith('CAP_') ? name.toUpperCase() : `CAP_${name.toUpperCase()}`)

/** `ALL` added or dropped comes before single names. */
export function capabilitiesOf({ privileged, capabilities }: SecuritySpec, current = currentCapabilities()): string[] {
  if (privileged) return current
  const add = (capabilities?.add ?? []).map(withPrefix)
  const drop = (capabilities?.drop ?? []).map(withPrefix)
  const base = add.includes('CAP_ALL') ? current : drop.includes('CAP_ALL') ? [] : defaultCapabilities
  const dropped = new Set(drop)
  const kept = base.filter((name) => !dropped.has(name))
  return [...new Set([...kept, ...add.filter((name) => name !== 'CAP_ALL')])]
}
