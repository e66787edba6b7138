// Every option of `mk8s server` and `mk8s agent`, once. Flags, MK8S_* variables, /etc/mk8s/config.yaml, --help, completion and the
// documentation all come from this table. Where k3s has such a flag, ours has its name and meaning.
import { isIP } from 'node:net'
import { parseCidr } from '../base/cidr.ts'

export type OptionValue = string | number | boolean | readonly string[] | undefined

interface Kind<T extends OptionValue> {
  /** Shown in --help after the flag; absent for a switch. */
  placeholder?: string
  /** May be given several times, and as a comma-separated list. */
  list?: boolean
  /** @throws Error whose message completes "--flag: ". */
  parse(text: string): T
}

export interface OptionSpec<T extends OptionValue = OptionValue> {
  flag: string
  short?: string
  kind: Kind<T>
  default: T
  /** How the default reads in --help when it is found out at start. */
  defaultText?: string
  help: string
  for: readonly ('server' | 'agent')[]
}

const text = (placeholder: string): Kind<string | undefined> => ({ placeholder, parse: (value) => value })
const toggle: Kind<boolean> = {
  parse(value) {
    if (['true', '1', 'yes', ''].includes(value)) return true
    if (['false', '0', 'no'].includes(value)) return false
    throw new Error(`${JSON.stringify(value)} is neither true nor false`)
  },
}
const choice = <const C extends string>(...choices: C[]): Kind<C> => ({
  placeholder: choices.join('|'),
  parse(value) {
    if (choices.includes(value as C)) return value as C
    throw new Error(`${JSON.stringify(value)} is not one of ${choices.join(', ')}`)
  },
})
const port: Kind<number> = {
  placeholder: 'PORT',
  parse(value) {
    const number = Number(value)
    if (/^\d+$/.test(value) && number >= 1 && number <= 65535) return number
    throw new Error(`${JSON.stringify(value)} is not a port (1-65535)`)
  },
}
const address: Kind<string | undefined> = {
  placeholder: 'IP',
  parse(value) {
    if (isIP(value)) return value
    throw new Error(`${JSON.stringify(value)} is not an IP address`)
  },
}
const cidr: Kind<string> = {
  placeholder: 'CIDR',
  parse(value) {
    const parsed = parseCidr(value)
    if (!parsed) throw new Error(`${JSON.stringify(value)} is not a range such as 10.42.0.0/16`)
    return value
  },
}
const portRange: Kind<string> = {
  placeholder: 'FROM-TO',
  parse(value) {
    const [, from, to] = /^(\d+)-(\d+)$/.exec(value) ?? []
    if (from && to && Number(from) >= 1 && Number(from) <= Number(to) && Number(to) <= 65535) return value
    throw new Error(`${JSON.stringify(value)} is not a port range such as 30000-32767`)
  },
}
const fileMode: Kind<string> = {
  placeholder: 'MODE',
  parse(value) {
    if (/^0?[0-7]{3}$/.test(value)) return value
    throw new Error(`${JSON.stringify(value)} is not a file mode such as 600`)
  },
}
const count: Kind<number> = {
  placeholder: 'NUMBER',
  parse(value) {
    if (/^[1-9]\d{0,5}$/.test(value)) return Number(value)
    throw new Error(`${JSON.stringify(value)} is not a number from 1 on`)
  },
}
const list = (placeholder: string, check: (item: string) => string | undefined = () => undefined): Kind<readonly string[]> => ({
  placeholder,
  list: true,
  parse(value) {
    const items = value.split(',').map((item) => item.trim()).filter((item) => item !== '')
    for (const item of items) {
      const wrong = check(item)
      if (wrong) throw new Error(wrong)
    }
    return items
  },
})
const assignments: Kind<readonly string[]> = {
  placeholder: 'KEY=VALUE',
  list: true,
  parse(value) {
    if (/^(--)?[a-z][a-z-]*(=|$)/.test(value)) return [value]
    throw new Error(`${JSON.stringify(value)} is not of the form KEY=VALUE`)
  },
}
const nodeName: Kind<string | undefined> = {
  placeholder: 'NAME',
  parse(value) {
    if (/^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/.test(value) && value.length <= 253) return value
    throw new Error(`${JSON.stringify(value)} is not a node name (lower case letters, digits, '-' and '.')`)
  },
}

/** Parts that `--disable` can leave out; those of k3s that mk8s does not have are accepted, so that its configurations keep working. */
const parts = ['coredns', 'servicelb', 'traefik', 'local-storage', 'metrics-server', 'runtimes'] as const
const labelPattern = /^[A-Za-z0-9./_-]+=[A-Za-z0-9._-]*$/
const taintPattern = /^[A-Za-z0-9./_-]+(=[A-Za-z0-9._-]*)?:(NoSchedule|PreferNoSchedule|NoExecute)$/

const both = ['server', 'agent'] as const
const server = ['server'] as const

const option = <T extends OptionValue>(spec: OptionSpec<T>): OptionSpec<T> => spec

export const options = {
  config: option({ flag: 'config', short: 'c', kind: text('FILE'), default: '/etc/mk8s/config.yaml', help: 'read options from this file', for: both }),
  dataDir: option({ flag: 'data-dir', short: 'd', kind: text('DIR') as Kind<string>, default: '/var/lib/mk8s', help: 'keep all state here', for: both }),
  logLevel: option({ flag: 'log-level', kind: choice('debug', 'info', 'warn', 'error'), default: 'info', help: 'least severe message logged', for: both }),
  logFormat: option({ flag: 'log-format', kind: choice('text', 'json'), default: 'text', help: 'how a log line is written', for: both }),
  writeKubeconfig: option({ flag: 'write-kubeconfig', short: 'o', kind: text('FILE') as Kind<string>, default: '/etc/mk8s/mk8s.yaml', help: "write the administrator's kubeconfig here", for: server }),
  writeKubeconfigMode: option({ flag: 'write-kubeconfig-mode', kind: fileMode, default: '600', help: 'file mode of that kubeconfig', for: server }),
  bindAddress: option({ flag: 'bind-address', kind: address, default: undefined, defaultText: 'all addresses', help: 'listen for API requests on this address', for: server }),
  httpsListenPort: option({ flag: 'https-listen-port', kind: port, default: 6443, help: 'listen for API requests on this port', for: server }),
  advertiseAddress: option({ flag: 'advertise-address', kind: address, default: undefined, defaultText: 'node IP', help: 'address under which pods and agents reach the API server', for: server }),
  tlsSan: option({ flag: 'tls-san', kind: list('NAME'), default: [], help: "further host names and addresses in the API server's certificate", for: server }),
  clusterCidr: option({ flag: 'cluster-cidr', kind: cidr, default: '10.42.0.0/16', help: 'addresses of pods', for: server }),
  serviceCidr: option({ flag: 'service-cidr', kind: cidr, default: '10.43.0.0/16', help: 'addresses of services', for: server }),
  serviceNodePortRange: option({ flag: 'service-node-port-range', kind: portRange, default: '30000-32767', help: 'ports of services of type NodePort', for: server }),
  clusterDns: option({ flag: 'cluster-dns', kind: address, default: undefined, defaultText: 'tenth address of the service range', help: 'address of the cluster DNS', for: server }),
  clusterDomain: option({ flag: 'cluster-domain', kind: text('DOMAIN') as Kind<string>, default: 'cluster.local', help: 'DNS domain of the cluster', for: server }),
  token: option({ flag: 'token', short: 't', kind: text('TOKEN'), default: undefined, defaultText: 'made at first start', help: 'secret with which agents join', for: both }),
  disable: option({
    flag: 'disable', for: server, default: [], help: `do not run a part: ${parts.join(', ')}`,
    kind: list('PART', (item) => ((parts as readonly string[]).includes(item) ? undefined : `${JSON.stringify(item)} is not one of ${parts.join(', ')}`)),
  }),
  disableAgent: option({ flag: 'disable-agent', kind: toggle, default: false, help: 'run the control plane only: no node, no pods', for: server }),
  server: option({ flag: 'server', short: 's', kind: text('URL'), default: undefined, help: 'API server to join, as in https://box:6443', for: ['agent'] }),
  nodeName: option({ flag: 'node-name', kind: nodeName, default: undefined, defaultText: 'host name at the first start', help: 'name of the node', for: both }),
  nodeIp: option({ flag: 'node-ip', short: 'i', kind: address, default: undefined, defaultText: 'address of the default route', help: 'address of the node', for: both }),
  nodeLabel: option({
    flag: 'node-label', for: both, default: [], help: 'labels of the node',
    kind: list('KEY=VALUE', (item) => (labelPattern.test(item) ? undefined : `${JSON.stringify(item)} is not a label such as key=value`)),
  }),
  nodeTaint: option({
    flag: 'node-taint', for: both, default: [], help: 'taints of the node',
    kind: list('KEY=VALUE:EFFECT', (item) => (taintPattern.test(item) ? undefined : `${JSON.stringify(item)} is not a taint such as key=value:NoSchedule`)),
  }),
  containerRuntimeEndpoint: option({
    flag: 'container-runtime-endpoint', kind: text('SOCKET'), default: undefined, defaultText: 'a containerd of its own', help: 'use the containerd at this socket', for: both,
  }),
  runtimeDriver: option({ flag: 'runtime-driver', kind: choice('cri', 'ctr'), default: 'cri', help: 'how containerd is driven: through its CRI plug-in, or with ctr where that is off', for: both }),
  snapshotter: option({ flag: 'snapshotter', kind: choice('overlayfs', 'native', 'fuse-overlayfs', 'btrfs', 'zfs'), default: 'overlayfs', help: 'how containerd keeps file systems', for: both }),
  privateRegistry: option({ flag: 'private-registry', kind: text('FILE') as Kind<string>, default: '/etc/mk8s/registries.yaml', help: 'how registries are reached', for: both }),
  etcdDisableSnapshots: option({ flag: 'etcd-disable-snapshots', kind: toggle, default: false, help: 'make no copies of the state by schedule', for: server }),
  etcdSnapshotScheduleCron: option({ flag: 'etcd-snapshot-schedule-cron', kind: text('CRON') as Kind<string>, default: '0 */12 * * *', help: 'when a copy of the state is made, if something has changed', for: server }),
  etcdSnapshotRetention: option({ flag: 'etcd-snapshot-retention', kind: count, default: 5, help: 'how many of these copies are kept', for: server }),
  etcdSnapshotDir: option({ flag: 'etcd-snapshot-dir', kind: text('DIR'), default: undefined, defaultText: '<data-dir>/server/db/snapshots', help: 'keep these copies here', for: server }),
  autoRecover: option({ flag: 'auto-recover', kind: toggle, default: false, help: 'when the database is damaged or gone, go on from the last good copy', for: server }),
  pauseImage: option({ flag: 'pause-image', kind: text('IMAGE') as Kind<string>, default: 'mk8s.local/pause:1', help: "image of a pod's first process", for: both }),
  kubeletArg: option({ flag: 'kubelet-arg', kind: assignments, default: [], help: "settings of the kubelet, as in eviction-hard=memory.available<200Mi", for: both }),
  resolvConf: option({ flag: 'resolv-conf', kind: text('FILE') as Kind<string>, default: '/etc/resolv.conf', help: 'where names outside the cluster are asked for', for: both }),
} as const

export type OptionName = keyof typeof options
/** What every option came to. */
export type Options = { readonly [K in OptionName]: (typeof options)[K] extends OptionSpec<infer T> ? T : never }

export const environmentName = (spec: { flag: string }): string => `MK8S_${spec.flag.toUpperCase().replaceAll('-', '_')}`
