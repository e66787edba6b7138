import { expect, test } from 'vitest'
import type { Condition } from './condition.ts'
import { conditionChecks } from './condition-checks.ts'
import { examine, inOneLine } from './findings.ts'
import { collides, parseListeners } from './listeners.ts'
import { mountOf } from './observe.ts'
import { parseDroppingChains } from './observe-condition.ts'
import { isHealthy, renderJson, renderText } from './report.ts'
import { startChecks } from './start-checks.ts'
import type { Directory, Surroundings } from './surroundings.ts'

const gigabyte = 2 ** 30
const now = Date.UTC(2027, 0, 1)
const day = 24 * 3600_000
const directory: Directory = { use: 'data', path: '/var/lib/mk8s', nearest: '/var/lib', isDirectory: true, readOnly: false, noExecution: false, fileSystem: 'ext4', freeBytes: 10 * gigabyte, totalBytes: 20 * gigabyte, freeInodes: 100_000 }
const programs = Object.fromEntries(['containerd', 'ctr', 'runc', 'iptables', 'iptables-save', 'iptables-restore', 'ip', 'mount', 'umount', 'conntrack'].map((name) => [name, `/usr/bin/${name}`]))
const good: Surroundings = {
  isNode: true, ownContainerd: true, board: '', programs, containerd: { printed: 'containerd github.com/containerd/containerd v2.1.0 abc' }, cni: { directory: '/opt/cni/bin', missing: [] }, trial: {},
  cgroups: { version: 2, mounted: true, controllers: ['cpu', 'memory', 'pids'] }, directories: [directory], hasDatabase: false, ports: [], memoryBytes: gigabyte, clock: { now, built: now - 100 * day }, registries: {},
}
const fine: Condition = {
  isNode: true, now, serverPid: 12, api: { node: 'box', ready: true, pressures: [] }, containerd: { pid: 13 }, missingChains: [], dns: {}, database: { path: '/x', bytes: 1e6, inUse: true },
  certificates: [{ path: '/x.crt', isAuthority: false, notAfter: now + 300 * day }], address: { node: '192.0.2.1', given: false, found: '192.0.2.1', defaultRoute: 'eth0' },
  nameServers: { path: '/etc/resolv.conf', addresses: ['192.0.2.53'], ownAddresses: ['10.43.0.10', '10.42.0.1'], stub: false }, others: [], foreignKubelet: false, firewall: { ufw: false, firewalld: false, dropping: [] },
  networkManager: false, modules: { overlay: true, bridgeNetfilter: true }, limits: { inotifyInstances: 128, inotifyWatches: 65536, openFiles: 1048576 }, swapBytes: 0, clusterCidr: '10.42.0.0/16', serviceCidr: '10.43.0.0/16',
}
const told = (found: ReturnType<typeof examine>) => found.filter(({ verdict }) => verdict !== 'ok').map((one) => `${one.verdict}: ${inOneLine(one)}`)

test('a machine as it should be', () => {
  expect(told([...examine(startChecks, good), ...examine(conditionChecks, fine)])).toEqual([])
})

test.each<[string, Partial<Surroundings>, string]>([
  ['no programs of its own are needed without a node', { isNode: false, ownContainerd: false, programs: {}, cni: undefined, cgroups: { version: 2, mounted: false, controllers: [] }, trial: undefined }, ''],
  ['an old containerd', { containerd: { printed: 'containerd github.com/containerd/containerd 1.5.11~ds1 1.5.11' } }, 'problem: /usr/bin/containerd is version 1.5.11~ds1, and mk8s needs 1.6 or newer: '],
  ['a containerd of unknown version', { containerd: { printed: 'dev build' } }, 'warning: /usr/bin/containerd does not say which version it is'],
  ['the memory cgroup on a Raspberry Pi', { board: 'Raspberry Pi 4 Model B Rev 1.5', cgroups: { version: 2, mounted: true, controllers: ['cpuset', 'cpu', 'io', 'pids'] } }, 'problem: the memory cgroup is switched off, and pods cannot be limited without: add cgroup_enable=memory to the one line of /boot/firmware/cmdline.txt (on older systems /boot/cmdline.txt) and reboot'],
  ['no conntrack', { programs: { ...programs, conntrack: undefined } }, 'warning: conntrack is missing: '],
  ['several modules', { trial: { failure: { step: 'rules', message: 'no', missingModules: ['xt_recent', 'xt_nat'] } } }, 'problem: the kernel cannot make the rules of services: modules xt_recent, xt_nat missing (no): modprobe xt_recent xt_nat; '],
  ['a kernel that refuses for reasons of its own', { trial: { failure: { step: 'rules', message: 'no', missingModules: [] } } }, 'problem: the kernel refuses what mk8s needs (rules: no): '],
  ['an SD card in FAT', { directories: [{ ...directory, fileSystem: 'vfat' }] }, 'problem: the data directory /var/lib/mk8s is on vfat, which keeps no owners and modes of files: '],
  ['a network file system', { directories: [{ ...directory, fileSystem: 'nfs4' }] }, 'warning: the data directory /var/lib/mk8s is on nfs4: '],
  ['a disk that is full, with a cluster on it', { hasDatabase: true, directories: [{ ...directory, freeBytes: 1e6 }] }, 'warning: the disk is full: '],
  ['a disk that is full, without', { directories: [{ ...directory, freeBytes: 1e6 }] }, 'problem: the disk is full: '],
  ['a disk that is nearly full', { directories: [{ ...directory, freeBytes: 2 * gigabyte }] }, 'warning: the disk is nearly full: '],
  ['a port', { ports: [{ protocol: 'udp', address: '10.42.0.1', port: 53, purpose: 'DNS', by: { pid: 7, name: 'dnsmasq', commandLine: '' } }] }, 'problem: port 53/udp is taken by dnsmasq (process 7), and the DNS needs it: '],
  ['a port of nobody knows whom', { ports: [{ protocol: 'tcp', address: '*', port: 6443, purpose: 'API' }] }, 'problem: port 6443 is taken by another program, and the API needs it: choose another with --https-listen-port'],
  ['little memory', { memoryBytes: 2 ** 28 }, 'warning: 256 MB of memory leave little for pods: '],
  ['1970', { clock: { now: 0, built: now } }, 'warning: the clock says 1970-01-01, which is before this mk8s was built (2027-01-01): '],
  ['a clock that went back', { clock: { now, built: now - 900 * day, newestFile: now + 30 * day } }, 'warning: the clock says 2027-01-01, and the database was written on 2027-01-31: '],
])('before the start: %s', (_name, changes, says) => {
  const found = told(examine(startChecks, { ...good, ...changes }))
  expect(found).toEqual(says ? [expect.stringContaining(says)] : [])
  if (says) expect(found[0]!.startsWith(says), found[0]).toBe(true)
})

test.each<[string, Partial<Condition>, string]>([
  ['an API that does not answer', { api: { failure: 'connect ECONNREFUSED', pressures: [] } }, 'problem: process 12 runs, and its API does not answer (connect ECONNREFUSED): '],
  ['a node that is not Ready', { api: { node: 'box', ready: false, pressures: [] } }, 'problem: node box is not Ready: '],
  ['a node under pressure', { api: { node: 'box', ready: true, pressures: ['DiskPressure'] } }, 'warning: node box reports DiskPressure: '],
  ['a containerd that hangs', { containerd: { failure: 'no answer in time' } }, 'problem: containerd does not answer (no answer in time): '],
  ['rules that were flushed', { missingChains: ['KUBE-SERVICES'] }, 'problem: the rules of services are not in the kernel (KUBE-SERVICES): '],
  ['a DNS that is silent', { dns: { failure: 'queryA ETIMEOUT' } }, 'problem: does not answer (queryA ETIMEOUT): '],
  ['a certificate that expires', { certificates: [{ path: '/a.crt', isAuthority: false, notAfter: now + 5 * day }] }, 'warning: /a.crt expires on 2027-01-06: '],
  ['a CA that expires', { certificates: [{ path: '/ca.crt', isAuthority: true, notAfter: now + 200 * day }] }, 'warning: /ca.crt expires on 2027-07-20: '],
  ['a certificate that has expired', { certificates: [{ path: '/a.crt', isAuthority: false, notAfter: now - day }] }, 'problem: /a.crt has expired on 2026-12-31: '],
  ['no default route', { address: { node: '192.0.2.1', given: false, found: '192.0.2.1' } }, 'warning: there is no default route: the node takes 192.0.2.1: '],
  ['no address', { address: { node: '10.42.0.1', given: false } }, 'warning: this machine has no IPv4 address: '],
  ['systemd-resolved', { nameServers: { ...fine.nameServers, addresses: ['127.0.0.53'], stub: true } }, 'warning: /etc/resolv.conf names only 127.0.0.53, which pods with dnsPolicy Default cannot reach: start the server with --resolv-conf /run/systemd/resolve/resolv.conf'],
  ['a DNS loop', { nameServers: { ...fine.nameServers, addresses: ['10.43.0.10'] } }, 'warning: /etc/resolv.conf names the cluster DNS itself (10.43.0.10): a loop: '],
  ['k3s', { others: [{ name: 'k3s-server', pid: 5 }] }, "problem: k3s-server (process 5) runs here: two kubelets end each other's pods: "],
  ['ufw', { firewall: { ufw: true, firewalld: false, dropping: [] } }, 'warning: ufw is on: it drops what pods send to this node and to the outside: ufw allow from 10.42.0.0/16; '],
  ['a firewall of nftables', { firewall: { ufw: false, firewalld: false, dropping: ['inet filter forward'] } }, 'warning: nftables drop forwarded packets by default (inet filter forward), '],
  ['few inotify instances', { limits: { ...fine.limits, inotifyInstances: 64 } }, 'warning: programs that watch files will fail in pods (inotify: 64 instances, 65536 watches): '],
  ['no br_netfilter', { modules: { overlay: true, bridgeNetfilter: false } }, 'warning: the kernel has no br_netfilter: '],
])('a machine at work: %s', (_name, changes, says) => {
  const found = told(examine(conditionChecks, { ...fine, ...changes }))
  expect(found).toHaveLength(1)
  expect(found[0]!.startsWith(says), found[0]).toBe(true)
})

test('listeners of both families', () => {
  const head = '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n'
  expect(parseListeners('tcp', `${head}   0: 0100007F:192B 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 123 1 0\n   1: 0100007F:192B 0100007F:1000 01 00000000:00000000 00:00000000 00000000     0        0 124 1 0\n`))
    .toEqual([{ protocol: 'tcp', address: '127.0.0.1', port: 6443, inode: '123' }])
  expect(parseListeners('udp', `${head}   0: 00000000000000000000000000000000:0035 00000000000000000000000000000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 9 1 0\n`)[0]).toMatchObject({ address: '*', port: 53 })
  expect(parseListeners('tcp', `${head}   0: 0000000000000000FFFF00000A00000A:0050 00000000000000000000000000000000:0000 0A 0:0 0:0 0 0 0 9 1 0\n`)[0]).toMatchObject({ address: '10.0.0.10' })
  const at = (address: string) => ({ protocol: 'tcp' as const, address, port: 53 })
  expect([collides(at('*'), at('10.42.0.1')), collides(at('127.0.0.53'), at('10.42.0.1')), collides(at('10.42.0.1'), at('10.42.0.1'))]).toEqual([true, false, true])
})

test('the mount that holds a path', () => {
  const table = ['20 1 8:1 / / rw,relatime - ext4 /dev/a rw', '21 20 8:2 / /var rw,noexec - xfs /dev/b rw', '22 21 0:5 / /var/lib/mk8s2 rw - tmpfs x rw'].join('\n')
  expect(mountOf('/var/lib/mk8s', table)).toMatchObject({ fileSystem: 'xfs', options: ['rw', 'noexec'] })
  expect(mountOf('/var2', table)).toMatchObject({ fileSystem: 'ext4' })
})

test('chains of nftables that drop', () => {
  const chain = (table: string, hook: string, policy: string, family = 'inet') => ({ chain: { family, table, name: 'forward', hook, policy } })
  expect(parseDroppingChains(JSON.stringify({ nftables: [{ metainfo: {} }, chain('filter', 'forward', 'drop'), chain('filter', 'input', 'drop'), chain('other', 'forward', 'accept'), chain('filter', 'forward', 'drop', 'ip')] }))).toEqual(['inet filter forward'])
  expect(parseDroppingChains('')).toEqual([])
})

test('the report', () => {
  const findings = examine(startChecks, { ...good, programs: { ...programs, runc: undefined } })
  expect(renderText(findings)).toMatch(/^problem {2}runc +runc is missing\n +-> install it \(Debian: apt-get install runc\)$/m)
  expect(renderText(findings)).toMatch(/\nproblems: 1, warnings: 0\n$/)
  expect(isHealthy(findings)).toBe(false)
  expect(JSON.parse(renderJson(findings))).toMatchObject({ healthy: false, findings: expect.arrayContaining([{ check: 'runc', verdict: 'problem', message: 'runc is missing', advice: 'install it (Debian: apt-get install runc)' }]) })
})
