// Where one server keeps what. Everything below the data directory survives a reboot, everything below the run directory must not.
import { dirname, join, resolve } from 'node:path'
import { containerdPaths, defaultDataDirectory, type ContainerdPaths } from '../runtime/containerd/paths.ts'

export interface Paths {
  data: string
  database: string
  /** Names the process that serves this data directory. */
  pidFile: string
  /** The SQLite addon, put here out of the executable. */
  addons: string
  /** Pods' directories: volumes, /etc/hosts, termination messages. */
  kubelet: string
  podLogs: string
  containerLogs: string
  /** What vanishes with a reboot. */
  run: string
  /** Where the commands of this machine speak to the server. */
  control: string
  /** Sockets of the DNS process. */
  dns: string
  cniAddresses: string
  /** What kernel parameters were before we changed them. */
  kernelParameters: string
  containerd: ContainerdPaths
  /** Parent of the pods' cgroups; empty for the usual `/kubepods`. */
  cgroupParent: string
}

/** Several servers on one machine differ in their data directory; only the default one uses the machine's usual places. */
export function pathsOf(dataDirectory: string): Paths {
  const data = resolve(dataDirectory)
  const containerd = containerdPaths(data)
  const isDefault = data === defaultDataDirectory
  const run = dirname(containerd.state)
  return {
    data,
    database: join(data, 'server/db/state.db'),
    pidFile: join(run, 'mk8s.pid'),
    control: join(run, 'mk8s.sock'),
    addons: join(data, 'server/lib'),
    kubelet: isDefault ? '/var/lib/kubelet' : join(data, 'agent/kubelet'),
    podLogs: isDefault ? '/var/log/pods' : join(data, 'agent/log/pods'),
    containerLogs: isDefault ? '/var/log/containers' : join(data, 'agent/log/containers'),
    run,
    dns: join(run, 'dns'),
    cniAddresses: containerd.cniAddresses,
    kernelParameters: join(run, 'kernel-parameters.json'),
    containerd,
    cgroupParent: isDefault ? '' : `/mk8s-${run.split('/').at(-1)}`,
  }
}
