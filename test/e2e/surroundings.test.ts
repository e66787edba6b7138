// Bad input and bad surroundings, on a whole machine: `mk8s server` says in one line what is wrong and what to do, ends with 1, and has changed nothing.
// What is wrong is made in a mount namespace of the server's own, and is gone with it.
import { spawn } from 'node:child_process'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { differences, Machine, type MachineState } from './machine.ts'
import { eventually } from './box.ts'

vi.setConfig({ testTimeout: 120_000 })
const machine = new Machine()
const hanging = new Machine()
let pristine: MachineState
let hung: Promise<{ code: number | null; text: string }>
beforeAll(async () => {
  await Promise.all([machine.open(), hanging.open()])
  pristine = await machine.state()
  hung = ended(startIn(hanging, ...altered(fake('containerd', 'case $1 in --version) echo containerd x 1.7.0 y;; *) exec sleep 1000;; esac'), ['server'])))
}, 120_000)
afterAll(() => Promise.all([machine.close(), hanging.close()]), 120_000)

/** A command of mk8s where `given` is the case. */
const altered = (given: string, args: readonly string[], ...more: string[]): [string, string[]] =>
  ['unshare', ['--mount', '--propagation', 'private', ...more, 'bash', '-c', `mount -t tmpfs x /mnt; ${given}\nexec ${machine.binary} "$@"`, 'bash', ...args]]
const startIn = (where: Machine, command: string, args: readonly string[]) => spawn(where.prefix[0], [...where.prefix.slice(1), command, ...args], { stdio: ['ignore', 'ignore', 'pipe'] })
const ended = (process: ReturnType<typeof startIn>) => new Promise<{ code: number | null; text: string }>((resolve) => {
  let text = ''
  process.stderr.on('data', (chunk) => (text += chunk))
  process.once('close', (code) => resolve({ code, text }))
})

const fake = (name: string, script: string) => `printf '%s\\n' '#!/bin/sh' '${script}' >/mnt/${name}; chmod 755 /mnt/${name}; export PATH=/mnt:$PATH`
const hidden = (path: string) => `mount --bind /dev/null ${path}`
const file = (name: string, text: string) => `printf '${text}' >/mnt/${name}`
const onData = (options: string) => `mkdir /mnt/data; mount -t tmpfs -o ${options} x /mnt/data`
const data = ['--data-dir', '/mnt/data']

const cases: [name: string, given: string, says: string, flags?: string[]][] = [
  ['a configuration that is not YAML', file('c', 'node-name: box\\ntls-san: [a\\n'), '/mnt/c: not valid YAML: Flow sequence in block collection must be sufficiently indented and end with a ] at line 3, column 1', ['--config', '/mnt/c']],
  ['an unknown option', file('c', 'node-nam: box\\n'), '/mnt/c: "node-nam" is not an option', ['--config', '/mnt/c']],
  ['a value of the wrong type', file('c', 'https-listen-port: {a: b}\\n'), '/mnt/c: https-listen-port: takes a value, not a mapping', ['--config', '/mnt/c']],
  ['a configuration that cannot be read', ':', '/etc cannot be read: EISDIR', ['--config', '/etc']],
  ['registries that are not YAML', file('r', 'a: ['), '/mnt/r is not valid YAML: ', ['--private-registry', '/mnt/r']],
  ['a data directory below a file', file('f', ''), 'the data directory /mnt/f/x cannot be made: /mnt/f is not a directory: choose another --data-dir', ['--data-dir', '/mnt/f/x']],
  ['a read-only file system', 'mount --bind /var/lib /var/lib; mount -o remount,ro,bind /var/lib', 'the data directory /var/lib/mk8s is on a read-only file system: make it writable'],
  ['a read-only /etc', 'mount --bind /etc /etc; mount -o remount,ro,bind /etc', 'the directory of the kubeconfig /etc/mk8s is on a read-only file system: '],
  ['a full disk', onData('size=10m'), 'the disk is full: 10 MB of 10 MB free for /mnt/data, and mk8s needs 256 MB: free some space', data],
  ['a disk without inodes', onData('size=1g,nr_inodes=100'), 'no more files can be made for /mnt/data: ', data],
  ['a disk that forbids programs', onData('size=1g,noexec'), 'the data directory /mnt/data is mounted noexec', data],
  ['containerd too old', fake('containerd', 'echo containerd github.com/containerd/containerd 1.5.9 abc'), '/mnt/containerd is version 1.5.9, and mk8s needs 1.6 or newer: upgrade it'],
  ['containerd broken', fake('containerd', 'echo error while loading shared libraries >&2; exit 127'), '/mnt/containerd does not work (error while loading shared libraries): install it anew'],
  ['containerd missing', hidden('/usr/bin/containerd'), 'containerd is missing: install it (Debian: apt-get install containerd), or point --container-runtime-endpoint'],
  ['runc missing', hidden('/usr/sbin/runc'), 'runc is missing: install it (Debian: apt-get install runc)'],
  ['iptables missing', hidden('/usr/sbin/xtables-nft-multi'), 'iptables, iptables-save, iptables-restore are missing: install them (Debian: apt-get install iptables)'],
  ['ip missing', hidden('/usr/bin/ip'), 'ip is missing: install it (Debian: apt-get install iproute2)'],
  ['mount missing', hidden('/usr/bin/umount'), 'umount is missing: install it (Debian: apt-get install mount)'],
  ['no CNI plug-ins', 'mount -t tmpfs x /usr/lib/cni', 'the CNI plug-ins are missing from /opt/cni/bin and /usr/lib/cni: install them (Debian: apt-get install containernetworking-plugins)'],
  ['one CNI plug-in missing', hidden('/usr/lib/cni/portmap'), 'the CNI plug-in portmap is missing: install it'],
  ['a kernel without a match of iptables', fake('iptables-restore', 'if grep -q recent -; then echo "Extension recent revision 0 not supported, missing kernel module?" >&2; exit 2; fi'), 'the kernel cannot make the rules of services: module xt_recent missing (Extension recent revision 0 not supported, missing kernel module?): modprobe xt_recent'],
  ['a kernel without bridges', fake('ip', 'case $* in *bridge*) echo "RTNETLINK answers: Operation not supported" >&2; exit 2;; esac; exec /usr/bin/ip $*'), 'the kernel cannot make a bridge: module bridge missing (RTNETLINK answers: Operation not supported): modprobe bridge'],
  ['no cgroups', 'umount -R /sys/fs/cgroup', 'no cgroups are mounted at /sys/fs/cgroup: '],
  ['no memory cgroup', 'umount -R /sys/fs/cgroup; mount -t tmpfs x /sys/fs/cgroup; echo cpuset cpu io pids >/sys/fs/cgroup/cgroup.controllers', "the memory cgroup is switched off, and pods cannot be limited without: add cgroup_enable=memory to the kernel's command line"],
]

test.each(cases)('%s', async (_name, given, says, flags = []) => {
  const { code, stdout, stderr } = await machine.tryInside(...altered(given, ['server', ...flags]))
  expect(stderr.startsWith(`mk8s: ${says}`), stderr).toBe(true)
  expect(stderr.trim().split('\n')).toHaveLength(1)
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
})

test('ports that others have, whose name is told', async () => {
  for (const [command, port, purpose] of [[['nc', '-l', '-p', '6443'], '6443', 'API'], [['nc', '-l', '-p', '10250'], '10250', 'kubelet'], [['nc', '-l', '-p', '53'], '53', 'DNS']] as const) {
    startIn(machine, 'busybox', command)
    try {
      const says = new RegExp(`^mk8s: port ${port} is taken by busybox \\(process \\d+\\), and the ${purpose} needs it: `)
      await eventually('it is told', async () => {
        // until the other one listens a server would start
        const { code, stderr } = await machine.tryInside('sh', ['-c', `ss -Hlnt | grep -q ':${port} ' && exec ${machine.binary} server`])
        return code === 1 && says.test(stderr)
      }, 20)
    } finally {
      await machine.inside('sh', ['-c', `for p in /proc/[0-9]*; do case $(tr '\\0' ' ' <$p/cmdline) in 'busybox '*) kill -9 \${p#/proc/};; esac; done 2>/dev/null; true`])
    }
  }
})

test('nothing of all that has changed anything', async () => expect(differences(pristine, await machine.state())).toEqual([]))

test('doctor tells before the first start, and changes nothing', async () => {
  const good = await machine.tryInside(machine.binary, ['doctor'])
  expect(good.stdout).toMatch(/^ok +kernel +it can make bridges, links and the rules of services$/m)
  expect(good.stdout).toMatch(/^no problems, warnings: \d+$/m)
  expect(good).toMatchObject({ code: 0, stderr: '' })
  const bad = await machine.tryInside(...altered(hidden('/usr/sbin/runc'), ['doctor', '--output', 'json'], '--net'))
  expect(bad.code).toBe(1)
  const { healthy, findings } = JSON.parse(bad.stdout) as { healthy: boolean; findings: unknown[] }
  expect(healthy).toBe(false)
  expect(findings).toContainEqual({ check: 'runc', verdict: 'problem', message: 'runc is missing', advice: 'install it (Debian: apt-get install runc)' })
  expect(findings).toContainEqual(expect.objectContaining({ check: 'address', verdict: 'warning', message: expect.stringContaining('no IPv4 address') }))
  expect(differences(pristine, await machine.state())).toEqual([])
})

test('of two starts at the same moment one wins; doctor sees it well; a third, in a network of its own, does not get in either', async () => {
  const ends = [1, 2].map(() => ended(startIn(machine, machine.binary, ['server'])))
  const loser = await Promise.race(ends)
  expect(loser).toMatchObject({ code: 1, text: expect.stringMatching(/^mk8s: the data directory \/var\/lib\/mk8s is in use by another mk8s \(process \d+\): stop that one first, or choose another --data-dir$/m) })
  await eventually('the other one is Ready', async () => / Ready /.test((await machine.kubectl(['get', 'nodes'])).stdout), 60)
  await eventually('the last rules are there', async () => (await machine.inside('iptables-save', ['-t', 'nat'])).includes('-> 10.42.0.1:53'))
  const before = await machine.state()
  const third = await machine.tryInside('unshare', ['--net', '--pid', '--fork', '--mount-proc', machine.binary, 'server'])
  expect(third.stderr.trim().split('\n').at(-1)).toBe('mk8s: the data directory /var/lib/mk8s is in use by another mk8s: stop that one first, or choose another --data-dir')
  const seen = await machine.tryInside(machine.binary, ['doctor'])
  for (const line of [/^ok +server +process \d+ runs and answers$/m, /^ok +node +\S+ is Ready$/m, /^ok +running containerd/m, /^ok +rules/m, /^ok +cluster DNS +answers$/m, /^ok +database/m, /^ok +certificates/m, /^ok +ports/m]) expect(seen.stdout).toMatch(line)
  expect(seen.code).toBe(0)
  expect(differences(before, await machine.state()).filter((line) => !line.includes('state.db-'))).toEqual([])
})

test('a database that is not ours, or damaged: nothing else is started, and not a byte of it is changed', async () => {
  await machine.inside(machine.binary, ['killall'])
  await machine.inside('sh', ['-c', 'cd /var/lib/mk8s/server/db && rm -f state.db-wal && head -c 100000 /dev/urandom >state.db && sha256sum state.db >/root/sum'])
  const before = await machine.state()
  const damaged = await machine.tryInside(machine.binary, ['server'])
  expect(damaged.stderr.trim().split('\n').at(-1)).toMatch(/^mk8s: database \/var\/lib\/mk8s\/server\/db\/state.db is damaged \(.*\): restore a back-up with "mk8s restore FILE"/)
  expect(damaged.code).toBe(1)
  expect((await machine.tryInside(machine.binary, ['doctor'])).stdout).toMatch(/^problem +database +database \/var\/lib\/mk8s\/server\/db\/state.db is damaged/m)
  await machine.inside('sh', ['-c', 'cd /var/lib/mk8s/server/db && sha256sum -c --quiet /root/sum'])
  expect(differences(before, await machine.state()).filter((line) => !line.startsWith('+ /run/mk8s'))).toEqual([])
})

test('a containerd that hangs is given up after a minute, one that ends at once; neither leaves anything running', async () => {
  const unchanged = async () => {
    const { files: _files, cgroups: _cgroups, ...state } = await hanging.state()
    return differences(pristine, { ...pristine, ...state })
  }
  const { code, text } = await hung
  expect(text.trim().split('\n').at(-1)).toMatch(/^mk8s: containerd does not answer on \/run\/mk8s\/containerd\/containerd.sock/)
  expect(code).toBe(1)
  expect(await unchanged()).toEqual([])
  const dead = await hanging.tryInside(...altered(fake('containerd', 'case $1 in --version) echo containerd x 1.7.0 y;; *) echo "containerd: no such plug-in" >&2; exit 1;; esac'), ['server']))
  expect(dead.stderr.trim().split('\n').at(-1)).toBe('mk8s: containerd ended while it was starting: containerd: no such plug-in')
  expect(dead.code).toBe(1)
  expect(await unchanged()).toEqual([])
})
