// The configuration file of our containerd, as a pure function (source: containerd, docs/cri/config.md). Version 2 is read by 1.6, 1.7 and 2.x, which knows by itself where tables have moved.
import type { ContainerdPaths } from './paths.ts'
import type { HostFacts, Programs } from './host.ts'
import type { RegistryCredentials } from './registries.ts'

interface ConfigFacts {
  paths: Pick<ContainerdPaths, 'root' | 'state' | 'socket' | 'runc' | 'registries' | 'cniConfig'>
  programs: Pick<Programs, 'runc' | 'cni'>
  host: HostFacts
  snapshotter: string
  pauseImage: string
  credentials: readonly RegistryCredentials[]
  criPlugin: boolean
}

const cri = 'plugins."io.containerd.grpc.v1.cri"'
/** Plug-ins that cost start-up time and memory and that nothing here uses. */
const unused = ['snapshotter.v1.aufs', 'snapshotter.v1.btrfs', 'snapshotter.v1.devmapper', 'snapshotter.v1.zfs', 'internal.v1.opt', 'internal.v1.tracing', 'tracing.processor.v1.otlp']

export function renderConfig(facts: ConfigFacts): string {
  const { paths, host, snapshotter, criPlugin } = facts
  // Without the CRI plug-in nobody says which snapshotter is wanted: it is the first that is there.
  const disabled = [...unused, ...(criPlugin ? [] : ['grpc.v1.cri', ...(snapshotter === 'overlayfs' ? [] : ['snapshotter.v1.overlayfs'])])]
  return [
    section('', {
      version: 2, root: paths.root, state: paths.state, oom_score: host.canRaiseOomScore ? -999 : 0,
      disabled_plugins: disabled.map((name) => `io.containerd.${name}`).filter((name) => !name.endsWith(`.${snapshotter}`)),
    }),
    section('grpc', { address: paths.socket }),
    section('debug', { level: 'warn' }),
    // On by default in 2.x, with a socket that all containerds of the machine share.
    section('plugins."io.containerd.nri.v1.nri"', { disable: true }),
    ...(criPlugin ? criSections(facts) : []),
  ].join('\n')
}

function criSections({ paths, programs, host, snapshotter, pauseImage, credentials }: ConfigFacts): string[] {
  return [
    section(cri, {
      sandbox_image: pauseImage, stream_server_address: '127.0.0.1', stream_server_port: '0', disable_apparmor: !host.hasAppArmor, restrict_oom_score_adj: !host.canRaiseOomScore,
      tolerate_missing_hugetlb_controller: true, disable_hugetlb_controller: true, enable_unprivileged_ports: true, enable_unprivileged_icmp: true, netns_mounts_under_state_dir: true,
    }),
    section(`${cri}.containerd`, { snapshotter, default_runtime_name: 'runc', disable_snapshot_annotations: true }),
    section(`${cri}.containerd.runtimes.runc`, { runtime_type: 'io.containerd.runc.v2' }),
    section(`${cri}.containerd.runtimes.runc.options`, { BinaryName: programs.runc, Root: paths.runc, SystemdCgroup: false }),
    section(`${cri}.cni`, { bin_dir: programs.cni, conf_dir: paths.cniConfig }),
    section(`${cri}.registry`, { config_path: paths.registries }),
    ...credentials.map(({ host: registry, ...auth }) => section(`${cri}.registry.configs.${JSON.stringify(registry)}.auth`, auth)),
  ]
}

type Value = string | number | boolean | readonly string[] | undefined

function section(name: string, values: Record<string, Value>): string {
  const lines = Object.entries(values).filter(([, value]) => value !== undefined).map(([key, value]) => `${key} = ${JSON.stringify(value)}\n`)
  return (name ? `[${name}]\n` : '') + lines.join('')
}
