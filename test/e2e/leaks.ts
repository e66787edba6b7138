// What a node holds that no pod of the API needs: containers, sandboxes, processes, networks, addresses, mounts, cgroups, rules, files.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Pod } from '../../src/api/generated/types.ts'
import { openCriRuntime } from '../../src/runtime/cri/driver.ts'
import type { Machine } from './machine.ts'

const bridgeName = 'cni0'
const uidLabel = 'io.kubernetes.pod.uid'

/** One line for each thing too many, and for each thing that is missing. */
export async function leaks(machine: Machine): Promise<string[]> {
  const found: string[] = []
  const pods = (JSON.parse(await machine.k(['get', 'pods', '-A', '-o', 'json'])) as { items: Pod[] }).items
  const uids = new Map(pods.map((pod) => [pod.metadata!.uid!, pod]))
  const nameOf = ({ metadata }: Pod) => `${metadata!.namespace}/${metadata!.name}`
  const list = (path: string) => {
    try {
      return readdirSync(machine.root + path)
    } catch {
      return []
    }
  }

  const runtime = openCriRuntime({ endpoint: `${machine.root}/run/mk8s/containerd/containerd.sock` })
  const [sandboxes, containers] = await Promise.all([runtime.listSandboxes(), runtime.listContainers()]).finally(() => runtime.close())
  for (const one of [...sandboxes, ...containers]) if (!uids.has(one.labels[uidLabel] ?? '')) found.push(`${'name' in one ? 'container' : 'sandbox'} ${one.id} belongs to no pod`)
  const ready = sandboxes.filter((sandbox) => sandbox.ready)
  for (const pod of pods) {
    const over = ['Succeeded', 'Failed'].includes(pod.status?.phase ?? '')
    const own = ready.filter((sandbox) => sandbox.labels[uidLabel] === pod.metadata!.uid)
    if (own.length !== (over ? 0 : 1)) found.push(`${nameOf(pod)} has ${own.length} ready sandboxes`)
    const running = containers.filter((c) => c.labels[uidLabel] === pod.metadata!.uid && c.state === 'running')
    if (running.length !== (over ? 0 : pod.spec!.containers.length)) found.push(`${nameOf(pod)} has ${running.length} running containers`)
  }

  const ids = new Set([...sandboxes, ...containers].map(({ id }) => id))
  const live = new Set([...ready, ...containers.filter((c) => c.state === 'running')].map(({ id }) => id))
  const ctr = async (...args: string[]) => (await machine.inside('ctr', ['--address', '/run/mk8s/containerd/containerd.sock', '--namespace', 'k8s.io', ...args])).split('\n').filter(Boolean)
  const unknown = (what: string, names: readonly string[], known: ReadonlySet<string>, id = (name: string) => name) => {
    for (const name of names) if (!known.has(id(name))) found.push(`${what} ${name}`)
  }
  unknown('container that CRI does not know', await ctr('containers', 'list', '-q'), ids)
  unknown('task that nobody needs', await ctr('tasks', 'list', '-q'), live)
  unknown('snapshot', (await ctr('snapshots', 'list')).slice(1).map((line) => line.split(/\s+/)).filter(([, , kind]) => kind === 'Active').map(([key]) => key!), ids)
  for (const kind of ['sandboxes', 'containers']) unknown(`state of ${kind}`, list(`/run/mk8s/containerd/io.containerd.grpc.v1.cri/${kind}`), ids)
  for (const kind of ['sandboxes', 'containers']) unknown(`root of ${kind}`, list(`${machine.dataDir}/agent/containerd/io.containerd.grpc.v1.cri/${kind}`), ids)
  unknown('bundle', list('/run/mk8s/containerd/io.containerd.runtime.v2.task/k8s.io'), live)
  unknown('work directory', list(`${machine.dataDir}/agent/containerd/io.containerd.runtime.v2.task/k8s.io`), live)
  unknown('runc state', list('/run/mk8s/runc/k8s.io'), live)

  const processes = (await machine.inside('sh', ['-c', `for p in /proc/[0-9]*; do tr '\\0' ' ' <$p/cmdline 2>/dev/null; echo; done`])).split('\n')
  const shims = processes.flatMap((line) => /containerd-shim-runc-v2 .*-id (\S+)/.exec(line)?.[1] ?? [])
  // one that does not get hold of its sandbox's in time has a container to itself
  unknown('shim', shims, live)
  if (new Set(shims).size !== shims.length) found.push('two shims of one sandbox')

  const hostNetwork = new Set(pods.filter((pod) => pod.spec?.hostNetwork).map((pod) => pod.metadata!.uid!))
  const networked = ready.filter((sandbox) => !hostNetwork.has(sandbox.labels[uidLabel] ?? ''))
  const count = (what: string, names: readonly string[]) => {
    if (names.length !== networked.length) found.push(`${names.length} ${what} for ${networked.length} sandboxes: ${names.join(' ')}`)
  }
  const links = (await machine.inside('ip', ['-o', 'link', 'show', 'master', bridgeName])).split('\n').filter(Boolean)
  count('ports of the bridge', links.map((line) => line.split(/[:@]/)[1]!.trim()))
  const pairs = (await machine.inside('ip', ['-o', 'link', 'show', 'type', 'veth'])).split('\n').filter((line) => line && !/: (eth0|peer0)@/.test(line))
  count('pairs of links', pairs.map((line) => line.split(/[:@]/)[1]!.trim()))
  count('network namespaces', list('/run/mk8s/containerd/io.containerd.grpc.v1.cri/netns'))
  const addresses = list('/run/mk8s/cni/mk8s').filter((name) => /^[\d.]+$/.test(name))
  count('addresses', addresses)
  const networkIds = new Set(networked.map(({ id }) => id))
  unknown('address held for no sandbox', addresses, networkIds, (name) => readFileSync(join(machine.root, '/run/mk8s/cni/mk8s', name), 'utf8').split(/\s/)[0]!)
  unknown('cached CNI result', list('/var/lib/cni/results'), networkIds, (name) => /-([0-9a-f]{64})-/.exec(name)?.[1] ?? name)
  const ips = pods.filter((pod) => !pod.spec?.hostNetwork && pod.status?.phase === 'Running').map((pod) => pod.status?.podIP ?? '')
  if (new Set(ips).size !== ips.length) found.push(`pods share an address: ${ips.join(' ')}`)
  const rules = await machine.inside('iptables-save', ['-t', 'nat'])
  const hostPorts = pods.filter((pod) => networkIds.size > 0 && pod.spec?.containers.some((c) => c.ports?.some(({ hostPort }) => hostPort)) && !pod.spec.hostNetwork && pod.status?.phase === 'Running').length
  const chains = [...rules.matchAll(/^:(CNI-(?:DN|SN)-\S+)/gm)].map(([, name]) => name!)
  if (chains.length !== hostPorts) found.push(`${chains.length} chains of host ports for ${hostPorts} pods: ${chains.join(' ')}`)
  for (const [, id] of rules.matchAll(/id: \\?"([0-9a-f]{64})\\?"/g)) if (!networkIds.has(id!)) found.push(`rule of sandbox ${id}`)

  const mounts = (await machine.inside('cat', ['/proc/1/mountinfo'])).split('\n').map((line) => line.split(' ')[4] ?? '')
  for (const path of mounts) {
    const uid = /\/kubelet\/(?:pods|memory)\/([^/]+)/.exec(path)?.[1]
    if (uid && !uids.has(uid)) found.push(`mount ${path}`)
    const id = /\/run\/mk8s\/containerd\/.*\/([0-9a-f]{64})\//.exec(path)?.[1]
    if (id && !live.has(id)) found.push(`mount ${path}`)
  }
  if (new Set(mounts).size !== mounts.length) for (const path of mounts.filter((one, i) => mounts.indexOf(one) !== i && !/^\/(dev|proc|sys|usr)/.test(one) && one)) found.push(`two mounts at ${path}`)
  const cgroups = (await machine.inside('find', ['/sys/fs/cgroup', '-path', '/sys/fs/cgroup/*/kubepods/*', '-type', 'd'])).split('\n').filter(Boolean)
  for (const path of cgroups) {
    const uid = /\/pod([0-9a-f_-]{36})/.exec(path)?.[1]?.replaceAll('_', '-')
    const id = /\/([0-9a-f]{64})$/.exec(path)?.[1]
    if (uid && !uids.has(uid)) found.push(`cgroup ${path}`)
    else if (id && !live.has(id)) found.push(`cgroup ${path}`)
  }

  unknown('pod directory', list('/var/lib/kubelet/pods'), new Set(uids.keys()))
  unknown('memory directory', list('/var/lib/kubelet/memory'), new Set(uids.keys()))
  unknown('log directory', list('/var/log/pods'), new Set(uids.keys()), (name) => name.split('_')[2] ?? '')
  unknown('log link', list('/var/log/containers'), ids, (name) => /-([0-9a-f]{64})\.log$/.exec(name)?.[1] ?? name)
  return [...new Set(found)]
}
