// Where our containerd keeps what. The state directory lives below /run and is unique to a data directory.
import { createHash } from 'node:crypto'
import { basename, join, resolve } from 'node:path'

export interface ContainerdPaths {
  /** Images, snapshots, metadata: survives a reboot. */
  root: string
  /** Sockets and mounts of what runs: gone after a reboot. */
  state: string
  socket: string
  /** runc's own state. */
  runc: string
  config: string
  pidFile: string
  logFile: string
  /** One directory a registry, each with a hosts.toml. */
  registries: string
  /** Archives here are imported at start. */
  images: string
  /** What has been imported of them. */
  imported: string
  /** Marks of what is being unpacked and not yet synced. */
  unpacking: string
  /** Where images are mounted that pods have as volumes. */
  imageMounts: string
  /** Network configuration lists for CNI. */
  cniConfig: string
  /** Where the pod network keeps which address is taken. */
  cniAddresses: string
  /** Name of the cgroup of containerd, its shims and all else that outlives mk8s, where systemd ends processes by cgroup. */
  cgroup: string
  /** What the `ctr` driver knows of its pods, and what it makes for them below /run. */
  ctrState: string
  ctrRun: string
}

export const defaultDataDirectory = '/var/lib/mk8s'
/** Below it, too, are those of other data directories. */
export const defaultRunDirectory = '/run/mk8s'

export function containerdPaths(dataDirectory: string): ContainerdPaths {
  const data = resolve(dataDirectory)
  const run = data === defaultDataDirectory ? defaultRunDirectory : `${defaultRunDirectory}/${createHash('sha256').update(data).digest('hex').slice(0, 12)}`
  const agent = join(data, 'agent')
  return {
    root: join(agent, 'containerd'), state: join(run, 'containerd'), socket: join(run, 'containerd/containerd.sock'), runc: join(run, 'runc'), pidFile: join(run, 'containerd.pid'),
    config: join(agent, 'etc/containerd/config.toml'), registries: join(agent, 'etc/containerd/certs.d'), logFile: join(agent, 'containerd.log'), images: join(agent, 'images'), imported: join(agent, 'imported-images.json'), unpacking: join(agent, 'unpacking'), imageMounts: join(run, 'containerd/mk8s.image-mounts'),
    cniConfig: join(agent, 'etc/cni/net.d'), cniAddresses: join(run, 'cni'), cgroup: ['mk8s', ...(data === defaultDataDirectory ? [] : [basename(run)]), 'background'].join('-'),
    ctrState: join(agent, 'ctr'), ctrRun: join(run, 'ctr'),
  }
}
