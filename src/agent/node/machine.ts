// Facts of this machine as a node reports them.
import { readFile, readdir, statfs } from 'node:fs/promises'
import { arch, availableParallelism, release, totalmem } from 'node:os'
import { join } from 'node:path'
import type { NodeSystemInfo } from '../../api/generated/types.ts'

export interface Machine {
  cpus: number
  memoryBytes: number
  /** Of the file system with the agent's state. */
  diskBytes: number
  /** By page size as `2Mi`: bytes reserved. */
  hugePages: Record<string, number>
  info: Omit<NodeSystemInfo, 'containerRuntimeVersion' | 'kubeletVersion' | 'kubeProxyVersion'>
}

const architectures: Record<string, string> = { x64: 'amd64', arm64: 'arm64', arm: 'arm', ia32: '386', ppc64: 'ppc64le', s390x: 's390x', riscv64: 'riscv64' }

export const machineArchitecture = (): string => architectures[arch()] ?? arch()

const text = (path: string) => readFile(path, 'utf8').then((t) => t.trim(), () => '')

export async function readMachine(directory: string): Promise<Machine> {
  const [machineID, bootID, product, osRelease, disk] = await Promise.all([
    text('/etc/machine-id'), text('/proc/sys/kernel/random/boot_id'), text('/sys/class/dmi/id/product_uuid'), text('/etc/os-release'), statfs(directory),
  ])
  return {
    cpus: availableParallelism(),
    memoryBytes: totalmem(),
    diskBytes: disk.blocks * disk.bsize,
    hugePages: await readHugePages('/sys/kernel/mm/hugepages'),
    info: {
      machineID, bootID, systemUUID: product || machineID, kernelVersion: release(), operatingSystem: 'linux', architecture: machineArchitecture(),
      osImage: /^PRETTY_NAME="?([^"\n]*)"?$/m.exec(osRelease)?.[1] ?? 'Linux',
    },
  }
}

async function readHugePages(root: string): Promise<Record<string, number>> {
  const folders = await readdir(root).catch((): string[] => [])
  const entries = await Promise.all(folders.map(async (folder): Promise<[string, number]> => {
    const kilobytes = Number(/hugepages-(\d+)kB/.exec(folder)?.[1] ?? 0)
    const count = Number(await text(join(root, folder, 'nr_hugepages')))
    const size = kilobytes % 1_048_576 === 0 ? `${kilobytes / 1_048_576}Gi` : kilobytes % 1024 === 0 ? `${kilobytes / 1024}Mi` : `${kilobytes}Ki`
    return [size, count * kilobytes * 1024]
  }))
  return Object.fromEntries(entries)
}
