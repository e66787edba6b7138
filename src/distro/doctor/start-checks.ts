// What must be right before a server starts, and what should be. `mk8s server` refuses to start on a problem; `mk8s doctor` shows all of it.
import { cniMissing, installAdvice, oldestContainerd, parseVersion } from '../../runtime/containerd/host.ts'
import { type Check, ok, problem, warning } from './findings.ts'
import type { Directory, Surroundings } from './surroundings.ts'

const megabyte = 1 << 20
const day = 24 * 3600_000
const date = (milliseconds: number) => new Date(milliseconds).toISOString().slice(0, 10)
const list = (names: readonly string[]) => names.join(', ')

const install = (count: number, packages: string) => (count > 1 ? installAdvice(packages).replace('it', 'them') : installAdvice(packages))

/** Debian's package for each program that mk8s calls itself. */
const neededPrograms: Record<string, string> = { iptables: 'iptables', 'iptables-save': 'iptables', 'iptables-restore': 'iptables', ip: 'iproute2', mount: 'mount', umount: 'mount' }

const containerd: Check<Surroundings> = {
  name: 'containerd',
  look({ ownContainerd, programs, containerd: { printed, failure } }) {
    if (!ownContainerd) return undefined
    const missing = ['containerd', 'ctr'].find((name) => !programs[name])
    if (missing) return problem(`${missing} is missing`, `${installAdvice('containerd')}, or point --container-runtime-endpoint at a running containerd`)
    if (failure) return problem(`${programs.containerd} does not work (${failure})`, 'install it anew (Debian: apt-get install --reinstall containerd)')
    const version = parseVersion(printed ?? '')
    if (!version) return warning(`${programs.containerd} does not say which version it is`)
    const { major, minor } = oldestContainerd
    if (version.major < major || (version.major === major && version.minor < minor)) return problem(`${programs.containerd} is version ${version.text}, and mk8s needs ${major}.${minor} or newer`, 'upgrade it (Debian 12 and newer have it: apt-get install containerd)')
    return ok(`${programs.containerd} ${version.text}`)
  },
}

const runc: Check<Surroundings> = {
  name: 'runc',
  look: ({ ownContainerd, programs }) => (!ownContainerd ? undefined : programs.runc ? ok(programs.runc) : problem('runc is missing', installAdvice('runc'))),
}

const cni: Check<Surroundings> = {
  name: 'CNI plug-ins',
  look: ({ cni: found }) => (!found ? undefined : found.missing.length === 0 ? ok(found.directory!) : problem(cniMissing(found.missing), install(found.missing.length, 'containernetworking-plugins'))),
}

const programs: Check<Surroundings> = {
  name: 'programs',
  look({ isNode, programs: found }) {
    if (!isNode) return undefined
    const missing = Object.keys(neededPrograms).filter((name) => !found[name])
    if (missing.length > 0) return problem(`${list(missing)} ${missing.length > 1 ? 'are' : 'is'} missing`, install(missing.length, [...new Set(missing.map((name) => neededPrograms[name]!))].join(' ')))
    if (!found.conntrack) return warning('conntrack is missing: clients of UDP services go on sending to pods that have ended', installAdvice('conntrack'))
    return ok(list(Object.keys(neededPrograms)))
  },
}

const kernel: Check<Surroundings> = {
  name: 'kernel',
  look({ isNode, trial }) {
    if (!isNode) return undefined
    if (!trial?.failure) return ok('it can make bridges, links and the rules of services')
    const { step, message, missingModules } = trial.failure
    if (missingModules.length === 0) return problem(`the kernel refuses what mk8s needs (${step}: ${message})`, 'install the kernel of your distribution with its modules, and reboot')
    const s = missingModules.length > 1 ? 's' : ''
    return problem(`the kernel cannot make ${step === 'rules' ? 'the rules of services' : `a ${step}`}: module${s} ${list(missingModules)} missing (${message})`, `modprobe ${missingModules.join(' ')}; when that fails, install the kernel of your distribution with its modules (Ubuntu: linux-modules-extra-$(uname -r)) and reboot`)
  },
}

const cgroups: Check<Surroundings> = {
  name: 'cgroups',
  look({ isNode, board, cgroups: { version, mounted, controllers } }) {
    if (!isNode) return undefined
    if (!mounted) return problem('no cgroups are mounted at /sys/fs/cgroup', 'mount -t cgroup2 cgroup2 /sys/fs/cgroup')
    const missing = ['cpu', 'memory', 'pids'].filter((name) => !controllers.includes(name))
    if (missing.length === 0) return ok(`version ${version}: ${list(controllers)}`)
    const parameters = missing.includes('memory') ? 'cgroup_enable=memory' : missing.map((name) => `cgroup_enable=${name}`).join(' ')
    const where = board.startsWith('Raspberry Pi') ? `add ${parameters} to the one line of /boot/firmware/cmdline.txt (on older systems /boot/cmdline.txt)` : `add ${parameters} to the kernel's command line (Debian: GRUB_CMDLINE_LINUX in /etc/default/grub, then update-grub)`
    return problem(`the ${list(missing)} cgroup${missing.length > 1 ? 's are' : ' is'} switched off, and pods cannot be limited without`, `${where} and reboot`)
  },
}

const names: Record<Directory['use'], string> = { data: 'data directory', run: 'directory for sockets', kubeconfig: 'directory of the kubeconfig', pods: "directory of the pods' volumes", logs: "directory of the pods' logs" }
const elsewhere: Record<Directory['use'], string> = {
  data: 'choose another --data-dir', kubeconfig: 'choose another --write-kubeconfig', run: 'mount a tmpfs at /run', pods: 'mount a writable file system there', logs: 'mount a writable file system there',
}

const directories: Check<Surroundings> = {
  name: 'directories',
  look({ directories: all }) {
    const blocked = all.find(({ isDirectory }) => !isDirectory)
    if (blocked) return problem(`the ${names[blocked.use]} ${blocked.path} cannot be made: ${blocked.nearest} is not a directory`, elsewhere[blocked.use])
    const readOnly = all.find((one) => one.readOnly)
    if (readOnly) return problem(`the ${names[readOnly.use]} ${readOnly.path} is on a read-only file system`, `make it writable (mount -o remount,rw; after errors, check the disk first: dmesg), or ${elsewhere[readOnly.use]}`)
    const data = all.find(({ use }) => use === 'data')!
    if (data.noExecution) return problem(`the data directory ${data.path} is mounted noexec, and containers' programs lie there`, `mount it without noexec, or ${elsewhere.data}`)
    if (['vfat', 'exfat', 'msdos', 'ntfs', 'ntfs3', 'fuseblk'].includes(data.fileSystem)) return problem(`the data directory ${data.path} is on ${data.fileSystem}, which keeps no owners and modes of files`, `use ext4, xfs or btrfs, or ${elsewhere.data}`)
    if (['nfs', 'nfs4', 'cifs', 'smb3', '9p'].includes(data.fileSystem)) return warning(`the data directory ${data.path} is on ${data.fileSystem}: a database is not safe on a network file system`, elsewhere.data)
    if (['tmpfs', 'ramfs'].includes(data.fileSystem)) return warning(`the data directory ${data.path} is in memory: everything is lost when the machine starts anew`, elsewhere.data)
    return ok(`${data.path} on ${data.fileSystem}`)
  },
}

/** A box that has a cluster starts on a full disk, too: reading and deleting are what makes room. */
const room: Check<Surroundings> = {
  name: 'disk room',
  look({ isNode, hasDatabase, directories: all }) {
    const { path, freeBytes, totalBytes, freeInodes } = all.find(({ use }) => use === 'data')!
    const needed = (isNode ? 256 : 64) * megabyte
    const free = `${Math.round(freeBytes / megabyte)} MB of ${Math.round(totalBytes / megabyte)} MB free for ${path}`
    const advice = 'free some space (apt-get clean; journalctl --vacuum-size=50M; mk8s images list), or choose another --data-dir'
    if (freeInodes !== undefined && freeInodes < 1000) return (hasDatabase ? warning : problem)(`no more files can be made for ${path}: ${freeInodes} inodes free`, advice)
    if (freeBytes < needed) return (hasDatabase ? warning : problem)(`the disk is full: ${free}, and mk8s needs ${needed / megabyte} MB`, advice)
    // what the agent keeps free, by ending pods
    if (isNode && freeBytes < totalBytes * 0.15) return warning(`the disk is nearly full: ${free}; below 10 % pods are ended`, advice)
    return ok(free)
  },
}

const changePort = { API: 'choose another with --https-listen-port', kubelet: 'stop that first (is another Kubernetes running here?)', DNS: 'let it listen on its own address only (dnsmasq: bind-interfaces), or run mk8s with --disable coredns' }

const ports: Check<Surroundings> = {
  name: 'ports',
  look({ ports: taken }) {
    const [first] = taken
    if (!first) return ok('6443 and the like are free or ours')
    const { port, protocol, purpose, by } = first
    return problem(`port ${port}${protocol === 'udp' ? '/udp' : ''} is taken by ${by ? `${by.name} (process ${by.pid})` : 'another program'}, and the ${purpose} needs it`, changePort[purpose])
  },
}

const memory: Check<Surroundings> = {
  name: 'memory',
  look({ isNode, memoryBytes }) {
    const size = `${Math.round(memoryBytes / megabyte)} MB`
    return memoryBytes < (isNode ? 460 : 230) * megabyte ? warning(`${size} of memory leave little for pods: mk8s and containerd take about 200 MB`) : ok(size)
  },
}

const clock: Check<Surroundings> = {
  name: 'clock',
  look({ clock: { now, built, newestFile } }) {
    const advice = 'let it be set (Debian: apt-get install systemd-timesyncd; timedatectl set-ntp true)'
    if (now < built - day) return warning(`the clock says ${date(now)}, which is before this mk8s was built (${date(built)})`, advice)
    if (newestFile !== undefined && newestFile > now + day) return warning(`the clock says ${date(now)}, and the database was written on ${date(newestFile)}`, advice)
    return ok(new Date(now).toISOString().slice(0, 19) + 'Z')
  },
}

const registries: Check<Surroundings> = {
  name: 'registries',
  look: ({ registries: { failure } }) => (failure ? problem(failure, 'mend it or move it away') : undefined),
}

export const startChecks: readonly Check<Surroundings>[] = [directories, room, registries, containerd, runc, cni, programs, kernel, cgroups, ports, memory, clock]
