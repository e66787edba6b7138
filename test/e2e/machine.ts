// A whole machine for a test: namespaces of its own (processes, mounts, network, cgroups, name) over a disk that outlives them. Nothing in
// it can be confused with what else runs here, its power can be cut, and its state can be compared.
//
// Its root is `disk/`: the machine's own /etc, /var, /root and /usr/local/bin/mk8s, and this machine's /usr read-only. /run and /tmp are in memory.
import { spawn, type ChildProcess } from 'node:child_process'
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { cgroupHierarchies, removeCgroup } from '../../src/base/cgroups.ts'
import { binary, eventually, furtherFlags, Host, makeNodeNetwork, must, run } from './box.ts'

export interface MachineState {
  processes: string[]
  mounts: string[]
  networkNamespaces: string[]
  links: string[]
  routes: string[]
  rules: string[]
  /** Kernel parameters of the network. */
  parameters: string[]
  cgroups: string[]
  files: string[]
}

/** What is in one state only, as lines that begin with `-` (gone) or `+` (new). */
export function differences(before: MachineState, after: MachineState): string[] {
  return (Object.keys(before) as (keyof MachineState)[]).flatMap((part) => {
    const [had, has] = [new Set(before[part]), new Set(after[part])]
    return [...before[part].filter((line) => !has.has(line)).map((line) => `- ${line}`), ...after[part].filter((line) => !had.has(line)).map((line) => `+ ${line}`)]
  })
}

export class Machine extends Host {
  readonly disk = join(this.directory, 'disk')
  readonly dataDir = '/var/lib/mk8s'
  readonly kubeconfig = '/etc/mk8s/mk8s.yaml'
  override readonly binary = '/usr/local/bin/mk8s'
  readonly flags: readonly string[]
  readonly #cgroup = `mk8s-machine-${this.directory.slice(-6)}`
  #init: ChildProcess | undefined
  #initPid = 0

  constructor(flags: readonly string[] = []) {
    super()
    this.flags = ['--node-name', 'box', ...furtherFlags, ...flags]
  }

  get prefix(): readonly [string, ...string[]] {
    return ['nsenter', `--target=${this.#initPid}`, '--mount', '--uts', '--ipc', '--net', '--pid', '--cgroup', '--root', '--wd', '--', 'env', 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin', 'HOME=/root']
  }

  /** `nsenter` stays outside and waits for what it has started. */
  override get pid(): number {
    const outside = super.pid
    return Number(readFileSync(`/proc/${outside}/task/${outside}/children`, 'utf8').trim().split(' ')[0]) || outside
  }

  override shared(name: string): { outside: string; inside: string } {
    return { outside: join(this.disk, 'root', name), inside: join('/root', name) }
  }

  /** The machine's root directory as the test sees it, with what is mounted there. */
  get root(): string {
    return `/proc/${this.#initPid}/root`
  }

  /** Enters the network of what is at `path` inside, with this machine's own file system. */
  enterNetwork(path: string): readonly [string, ...string[]] {
    return ['nsenter', `--net=${this.root}${path}`]
  }

  /** Makes the disk and boots. */
  async open(): Promise<this> {
    for (const path of ['proc', 'sys', 'dev', 'run', 'tmp', 'root', 'usr', 'mnt', 'opt', 'var/lib', 'var/log', 'var/cache', 'var/tmp', 'local/upper', 'local/work', 'local/image']) mkdirSync(join(this.disk, path), { recursive: true })
    await must('cp', ['-a', '/etc', this.disk])
    rmSync(join(this.disk, 'etc/mk8s'), { recursive: true, force: true })
    await must('sh', ['-c', `cd "${this.disk}" && ln -s usr/bin bin && ln -s usr/sbin sbin && ln -s usr/lib lib && ln -s usr/lib64 lib64 && ln -s ../run var/run && rm -f etc/resolv.conf && : >etc/resolv.conf`])
    mkdirSync(join(this.disk, 'local/upper/bin'), { recursive: true })
    await must('cp', [binary, join(this.disk, 'local/upper/bin/mk8s')])
    if (process.env.MK8S_TEST_PROGRAMS) await must('cp', ['-a', `${process.env.MK8S_TEST_PROGRAMS}/.`, join(this.disk, 'local/upper/bin')])
    await this.boot()
    return this
  }

  /** As after pressing the power button: no process, no mount, no network but what the kernel makes. */
  async boot(): Promise<void> {
    for (const hierarchy of cgroupHierarchies()) mkdirSync(join(hierarchy, this.#cgroup), { recursive: true })
    const script = join(this.directory, 'boot.sh')
    writeFileSync(script, bootScript(this.disk, this.#cgroup))
    const log = openSync(join(this.directory, 'boot.log'), 'a')
    this.#init = spawn('unshare', ['--fork', '--kill-child', '--pid', '--mount', '--net', '--ipc', '--uts', '--propagation', 'private', 'bash', script], { stdio: ['ignore', log, log], detached: true })
    closeSync(log)
    this.#initPid = await eventually('the machine has booted', async () => {
      if (this.#init!.exitCode !== null) throw new Error(`its first process has ended: ${readFileSync(join(this.directory, 'boot.log'), 'utf8')}`)
      const pid = Number((await run('pgrep', ['-P', String(this.#init!.pid)])).stdout.trim())
      return pid && existsSync(`/proc/${pid}/root/run/booted`) && pid
    })
    await makeNodeNetwork((command, args) => this.inside(command, args))
  }

  /** Every process dies at once. What is in the page cache stays: this is no test of syncs. */
  async cutPower(): Promise<void> {
    process.kill(this.#initPid, 'SIGKILL')
    await eventually('every process of the machine has ended', async () => this.#init!.exitCode !== null || this.#init!.signalCode !== null)
    const cgroups = cgroupHierarchies().map((hierarchy) => join(hierarchy, this.#cgroup))
    await eventually('its cgroups are gone', async () => {
      await Promise.all(cgroups.map(removeCgroup))
      return !cgroups.some((cgroup) => existsSync(cgroup))
    })
  }

  /** What a machine consists of, as sorted lines that can be compared. Files are compared by kind, owner and mode, those of /etc by content too. */
  async state(): Promise<MachineState> {
    const text = await this.inside('bash', ['-c', stateScript])
    const section = (name: string) => [...new Set(text.split(`\n#${name}\n`)[1]!.split('\n#')[0]!.split('\n').filter(Boolean))].sort()
    return {
      processes: section('processes'), mounts: section('mounts'), networkNamespaces: section('networkNamespaces'), links: section('links'), routes: section('routes'), rules: section('rules'),
      parameters: section('parameters'), cgroups: section('cgroups'), files: section('files'),
    }
  }

  override async close(): Promise<void> {
    if (this.#init && this.#init.exitCode === null && this.#init.signalCode === null) await this.cutPower()
    if (!process.env.MK8S_TEST_KEEP) rmSync(this.directory, { recursive: true, force: true })
  }
}

const bootScript = (disk: string, cgroup: string) => `set -e
disk='${disk}'
# joined before the cgroup namespace is made, so that this cgroup is its root
for h in ${cgroupHierarchies().join(' ')}; do [ ! -e $h/${cgroup}/cpuset.mems ] || { cat $h/cpuset.cpus >$h/${cgroup}/cpuset.cpus; cat $h/cpuset.mems >$h/${cgroup}/cpuset.mems; }; echo $$ >$h/${cgroup}/cgroup.procs; done 2>/dev/null || true
exec unshare --cgroup bash -e -c '
disk=$1
hostname box
mount --bind $disk $disk
mount --rbind /usr $disk/usr
mount -t overlay overlay -o lowerdir=/usr/local,upperdir=$disk/local/upper,workdir=$disk/local/work $disk/usr/local
mount -t proc proc $disk/proc
mount -t sysfs sysfs $disk/sys
mount --rbind /dev $disk/dev
mount -t tmpfs -o mode=755 tmpfs $disk/run
mount -t tmpfs -o mode=1777 tmpfs $disk/tmp
mkdir -p $disk/run/lock $disk/run/netns
# the kernel has not booted, the machine has
cat /proc/sys/kernel/random/uuid >$disk/run/boot_id
mount --bind $disk/run/boot_id $disk/proc/sys/kernel/random/boot_id
if [ -e /sys/fs/cgroup/cgroup.controllers ]; then
  mount -t cgroup2 cgroup2 $disk/sys/fs/cgroup
else
  mount -t tmpfs tmpfs $disk/sys/fs/cgroup
  for h in /sys/fs/cgroup/*/; do
    name=$(basename $h); mkdir $disk/sys/fs/cgroup/$name
    case $name in unified) mount -t cgroup2 cgroup2 $disk/sys/fs/cgroup/unified ;; systemd) mount -t cgroup -o none,name=systemd cgroup $disk/sys/fs/cgroup/systemd ;; *) mount -t cgroup -o $name cgroup $disk/sys/fs/cgroup/$name ;; esac
  done
fi
cd $disk
mkdir -p mnt/old
pivot_root . mnt/old
exec chroot . bash -c "umount -l /mnt/old; rmdir /mnt/old; : >/run/booted; trap : TERM; while :; do sleep 3600 & wait; done"
' bash "$disk"
`

// IPv6 routes of a link's own addresses come late and by themselves; kernel threads have no command line
const stateScript = `
exec 2>/dev/null
echo; echo '#processes'
for p in /proc/[0-9]*; do pid=\${p#/proc/}; [ $pid = $$ ] || [ "$(awk '/^PPid/ { print $2 }' $p/status)" = $$ ] || tr '\\0' ' ' <$p/cmdline | cut -c1-200; echo; done
echo; echo '#mounts'
awk '{ print $5 }' /proc/self/mountinfo
echo; echo '#networkNamespaces'
ls /run/netns
echo; echo '#links'
ip -o link | sed -E 's/^[0-9]+: ([^:@]+).*/\\1/'
echo; echo '#routes'
{ ip route show table all; ip rule; } | grep -vE '^(multicast |local |anycast )?(fe80|ff00)::'
echo; echo '#rules'
for c in iptables-nft-save ip6tables-nft-save; do $c | grep -vE '^(#|COMMIT|\\*)' | sed -E 's/\\[[0-9]+:[0-9]+\\]//' | grep -vE '^:[A-Z]+ ACCEPT'; done
for t in $(cat /proc/net/ip_tables_names); do iptables-legacy-save -t $t | grep -vE '^(#|COMMIT|\\*|:[A-Z]+ ACCEPT)' | sed 's/^/legacy: /'; done
nft list tables
ipset list -n
echo; echo '#parameters'
grep -rH '' /proc/sys/net/ipv4/ip_forward /proc/sys/net/ipv4/conf/all /proc/sys/net/ipv4/conf/default /proc/sys/net/ipv6/conf/all /proc/sys/net/bridge
echo; echo '#cgroups'
find /sys/fs/cgroup -mindepth 2 -type d
echo; echo '#files'
find /etc /var /root /run /tmp /usr/local /opt /mnt -xdev -not -path /run/booted -not -path '/var/log/journal*' -not -path '/root/.kube*' -printf '%p %y %m %U:%G\\n'
find /etc -xdev -type f -exec sha256sum {} +
`
