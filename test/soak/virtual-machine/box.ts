// A guest with mk8s installed in it, seen from outside: kubectl on this machine through a forwarded port, and what a user would check.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { execute, Guest, until, type GuestOptions, type Result } from './guest.ts'

export interface SeenPod {
  name: string
  node: string
  ip: string
  phase: string
  ready: boolean
  containerId: string
  restarts: number
}

/** Emulation is an order of magnitude slower than a machine. */
export const patience = 1200

export class Box {
  readonly guest: Guest
  readonly kubeconfig: string
  /** Of the node's pods. */
  containerd = { socket: '/run/mk8s/containerd/containerd.sock', kill: 'kill -9 $(cat /run/mk8s/containerd.pid)', keepsResults: true }
  failures = 0

  constructor(options: GuestOptions) {
    this.guest = new Guest(options)
    this.kubeconfig = join(options.directory, 'kubeconfig')
  }

  /** One claim: printed, counted. */
  check(claim: string, holds: boolean, detail = ''): void {
    if (!holds) this.failures++
    console.log(`${holds ? '  ok  ' : '  FAIL'} ${claim}${detail ? ` (${detail})` : ''}`)
  }

  note(what: string, seconds: number): void {
    console.log(`       ${what}: ${seconds.toFixed(1)} s`)
  }

  /** On the API as an administrator on another machine. */
  kubectl(args: readonly string[], options: { seconds?: number; input?: string } = {}): Promise<Result> {
    return execute('kubectl', ['--kubeconfig', this.kubeconfig, '--request-timeout=60s', ...args], options)
  }

  async must(args: readonly string[], options: { seconds?: number; input?: string } = {}): Promise<string> {
    const { code, out } = await this.kubectl(args, options)
    if (code !== 0) throw new Error(`kubectl ${args.join(' ')}: ${out.slice(-1000)}`)
    return out
  }

  apply = (yaml: string) => this.must(['apply', '-f', '-'], { input: yaml })

  async boot(): Promise<number> {
    await this.guest.powerOn()
    const begun = performance.now()
    await this.guest.untilUp()
    return (performance.now() - begun) / 1000
  }

  async fetchKubeconfig(): Promise<void> {
    await until('the kubeconfig', patience, async () => {
      const { code, out } = await this.guest.run('cat /etc/mk8s/mk8s.yaml')
      if (code === 0) writeFileSync(this.kubeconfig, out.replace(':6443', `:${this.guest.options.apiPort}`), { mode: 0o600 })
      return code === 0
    })
  }

  /** Ready by the word of a kubelet that runs now. @returns seconds. */
  async untilReady(): Promise<number> {
    const seconds = await until('mk8s is ready', patience, async () => (await this.guest.run('journalctl -u mk8s -o cat --since=-3600s _PID=$(systemctl show -p MainPID --value mk8s) | grep -q "mk8s is ready"', { seconds: 60 })).code === 0)
    // under another clock the administrator's certificate may be another
    await this.fetchKubeconfig()
    return seconds + (await until('the node is Ready', patience, async () => (await this.kubectl(['get', 'node', 'box', '-o', 'jsonpath={.status.conditions[?(@.type=="Ready")].status}'])).out.trim() === 'True'))
  }

  async pods(selector = ''): Promise<SeenPod[]> {
    const list = JSON.parse(await this.must(['get', 'pods', '-A', '-o', 'json', ...(selector ? ['-l', selector] : [])])) as { items: PodJson[] }
    return list.items.filter(({ metadata }) => !metadata.deletionTimestamp).map(({ metadata, spec, status }) => ({
      name: metadata.name, node: spec.nodeName ?? '', ip: status.podIP ?? '', phase: status.phase,
      ready: status.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True') ?? false,
      containerId: status.containerStatuses?.[0]?.containerID?.replace('containerd://', '') ?? '', restarts: status.containerStatuses?.[0]?.restartCount ?? 0,
    }))
  }

  /** Every pod's container is one that the runtime runs now. @returns seconds. */
  async untilPodsRun(selector = ''): Promise<number> {
    let last = ''
    return until('all pods run', patience, async () => {
      const pods = await this.pods(selector).catch(() => [])
      const running = new Set((await this.runningTasks()).map(([id]) => id))
      const wrong = pods.filter((pod) => pod.phase !== 'Succeeded' && (!pod.ready || !running.has(pod.containerId)))
      last = wrong.map(({ name, phase }) => `${name} ${phase}`).join(', ')
      return pods.length > 0 && wrong.length === 0
    }).catch((error: Error) => {
      throw new Error(`${error.message}: ${last}`)
    })
  }

  /** Containers of the runtime, sandboxes among them, that run: id and process. */
  async runningTasks(): Promise<[id: string, pid: string][]> {
    const { out } = await this.guest.run(`ctr -a ${this.containerd.socket} -n k8s.io tasks ls`)
    return out.split('\n').map((line) => line.trim().split(/\s+/)).filter(([, , state]) => state === 'RUNNING').map(([id, pid]) => [id!, pid!])
  }

  async untilAnswers(): Promise<number> {
    const address = (await this.must(['get', 'service', 'hello', '-o', 'jsonpath={.spec.clusterIP}'])).trim()
    return until('the sample application answers', patience, async () => (await this.guest.run(`curl -sf -m 10 http://${address}/`, { seconds: 60 })).out.trim() === 'hello from mk8s')
  }

  /** exec and logs reach a pod. @returns seconds until they did. */
  async untilExecs(pod: string): Promise<number> {
    return until(`exec and logs of ${pod}`, patience, async () => (await this.kubectl(['exec', pod, '--', 'true'], { seconds: 60 })).code === 0 && (await this.kubectl(['logs', pod], { seconds: 60 })).code === 0)
  }

  /** A pod's token and authority are good for the API under the machine's own clock. */
  async checkPodAccess(when: string): Promise<void> {
    const mount = '/var/run/secrets/kubernetes.io/serviceaccount'
    const [token, authority] = await Promise.all(['token', 'ca.crt'].map((file) => this.must(['exec', 'guaranteed', '--', 'cat', `${mount}/${file}`], { seconds: 60 })))
    await this.guest.run('cat >/run/ca.crt', { input: authority })
    const { out } = await this.guest.run(`curl -sS -m 30 --cacert /run/ca.crt -H 'Authorization: Bearer ${token!.trim()}' -o /dev/null -w '%{http_code}' https://127.0.0.1:6443/version`)
    this.check(`a pod's token and authority are good ${when}`, out.trim() === '200', out.slice(-300))
  }

  /** What must be as many as there are pods, and nothing that is broken. */
  async checkTidy(): Promise<void> {
    const guest = this.guest
    const running = (await this.pods()).filter(({ phase }) => phase === 'Running' || phase === 'Pending')
    const addresses = running.map(({ ip }) => ip).filter(Boolean)
    this.check('no two pods have one address', new Set(addresses).size === addresses.length, addresses.join(' '))
    const lines = async (command: string) => (await guest.must(command)).split('\n').filter(Boolean)
    let counts: Record<string, number> = {}
    await until('leftovers are gone', 180, async () => {
      counts = {
        pods: running.length, tasks: (await this.runningTasks()).length / 2, netns: (await lines(`awk '$3 == "nsfs" { print $2 }' /proc/self/mounts | sort -u`)).length, veths: (await lines('ls /sys/class/net | grep ^veth || true')).length,
        cgroups: (await lines('ls -d /sys/fs/cgroup/kubepods/pod* /sys/fs/cgroup/kubepods/*/pod* 2>/dev/null || true')).length, addresses: (await lines('ls /run/mk8s/cni/mk8s | grep ^10 || true')).length,
        podDirectories: (await lines('ls /var/lib/kubelet/pods')).length, 
        // a sandbox's shim that does not answer within a moment leaves a container to one of its own
        shims: Math.min(running.length, (await lines('pgrep -x containerd-shim || true')).length), ...(this.containerd.keepsResults ? { cniResults: (await lines('ls /var/lib/cni/results | grep eth0 || true')).length } : {}),
      }
      return new Set(Object.values(counts)).size === 1
    }).catch(() => undefined)
    const equal = new Set(Object.values(counts)).size === 1
    this.check('as many sandboxes, network namespaces, veths, cgroups, addresses, directories, shims, results of CNI as pods', equal, JSON.stringify(counts))
    if (!equal) console.log((await guest.run(`ps -C containerd-shim -o pid,ppid,etimes,args; ctr -a ${this.containerd.socket} -n k8s.io tasks ls`)).out)
    const idle = await lines('for p in $(pgrep -x containerd-shim); do pgrep -P $p >/dev/null || echo $p; done')
    this.check('every shim has a process', idle.length === 0, idle.join(' '))
    const mounts = await lines('cut -d" " -f5 /proc/self/mountinfo | sort | uniq -d')
    this.check('nothing is mounted twice', mounts.length === 0, mounts.join(' '))
    const rules = await lines('iptables-save | grep ^-A | sort | uniq -d')
    this.check('no rule is there twice', rules.length === 0, rules.join('; '))
    const empty = await lines('find /etc/mk8s /var/lib/mk8s/server /var/lib/mk8s/agent/*.crt /var/lib/mk8s/agent/*.key /var/lib/mk8s/agent/etc /var/lib/kubelet/pods -type f -size 0 -not -path "*/containers/*" || true')
    this.check('no file of mk8s is empty', empty.length === 0, empty.join(' '))
  }

  binary = () => readFileSync(this.guest.options.binary)
}

interface PodJson {
  metadata: { name: string; deletionTimestamp?: string }
  spec: { nodeName?: string }
  status: { phase: string; podIP?: string; conditions?: { type: string; status: string }[]; containerStatuses?: { containerID?: string; restartCount: number }[] }
}
