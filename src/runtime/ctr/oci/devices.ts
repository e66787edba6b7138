// Devices as the OCI runtime specification wants them: those of a path, or all of the machine for a privileged container.
import { lstat, readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { ContainerSpec } from '../../container-runtime.ts'

interface Device {
  path: string
  type: 'b' | 'c'
  major: number
  minor: number
  fileMode: number
  uid: number
  gid: number
}

export interface DeviceRule {
  allow: boolean
  type?: 'b' | 'c'
  major?: number
  minor?: number
  access: string
}

/** What a container gets anew, or what is no device of the machine's own. */
const skipped = new Set(['pts', 'shm', 'fd', 'mqueue', '.lxc', '.lxd-mounts', '.udev', 'console'])

/** New Linux encoding of device numbers (source: makedev(3)). */
const major = (device: number) => Number(((BigInt(device) >> 8n) & 0xfffn) | ((BigInt(device) >> 32n) & 0xfffff000n))
const minor = (device: number) => Number((BigInt(device) & 0xffn) | ((BigInt(device) >> 12n) & 0xffffff00n))

async function deviceAt(hostPath: string, path: string, follow: boolean): Promise<Device | undefined> {
  const found = await (follow ? stat : lstat)(hostPath).catch(() => undefined)
  if (!found || !(found.isBlockDevice() || found.isCharacterDevice())) return undefined
  return { path, type: found.isBlockDevice() ? 'b' : 'c', major: major(found.rdev), minor: minor(found.rdev), fileMode: found.mode & 0o7777, uid: found.uid, gid: found.gid }
}

export async function hostDevices(directory = '/dev'): Promise<Device[]> {
  const entries = await readdir(directory, { withFileTypes: true })
  const found = await Promise.all(entries.filter(({ name }) => !skipped.has(name)).map(async (entry) => {
    const path = join(directory, entry.name)
    if (entry.isDirectory()) return hostDevices(path)
    const device = await deviceAt(path, path, false)
    return device ? [device] : []
  }))
  return found.flat()
}

/** @throws Error for a path that is no device. */
export async function namedDevices(specs: ContainerSpec['devices']): Promise<{ devices: Device[]; rules: DeviceRule[] }> {
  const devices: Device[] = []
  const rules: DeviceRule[] = []
  for (const { hostPath, containerPath, permissions } of specs) {
    const device = await deviceAt(hostPath, containerPath, true)
    if (!device) throw new Error(`lstat ${hostPath}: not a device node`)
    devices.push(device)
    rules.push({ allow: true, type: device.type, major: device.major, minor: device.minor, access: permissions || 'rwm' })
  }
  return { devices, rules }
}
