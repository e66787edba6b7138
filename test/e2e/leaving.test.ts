// `mk8s killall` and `mk8s uninstall` on whole machines: what is left is compared with what was there before.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { writeBusyboxImage } from '../../scripts/busybox-image.mjs'
import { eventually } from './box.ts'
import { differences, Machine, type MachineState } from './machine.ts'
import { image, pod, template } from './workbench.ts'

vi.setConfig({ testTimeout: 180_000 })
const machine = new Machine()
let pristine: MachineState
const precious = join(machine.disk, 'opt/host data/sub/file')

beforeAll(async () => {
  await machine.open()
  mkdirSync(join(precious, '..'), { recursive: true })
  mkdirSync(join(machine.disk, 'opt/claimed'))
  writeFileSync(precious, 'precious')
  writeBusyboxImage(join(machine.disk, 'root/busybox.tar'), image)
  // another program's host port and file, which are to stay
  await machine.inside('sh', ['-c', `iptables-restore <<'X'
*nat
:CNI-DN-0123456789abcdef01234 - [0:0]
:CNI-HOSTPORT-DNAT - [0:0]
:CNI-HOSTPORT-MASQ - [0:0]
:CNI-HOSTPORT-SETMARK - [0:0]
-A PREROUTING -m addrtype --dst-type LOCAL -j CNI-HOSTPORT-DNAT
-A OUTPUT -m addrtype --dst-type LOCAL -j CNI-HOSTPORT-DNAT
-A POSTROUTING -m comment --comment "CNI portfwd requiring masquerade" -j CNI-HOSTPORT-MASQ
-A CNI-HOSTPORT-MASQ -m mark --mark 0x2000/0x2000 -j MASQUERADE
-A CNI-HOSTPORT-SETMARK -m comment --comment "CNI portfwd masquerade mark" -j MARK --set-xmark 0x2000/0x2000
-A CNI-HOSTPORT-DNAT -p tcp -m comment --comment "dnat name: \\"other\\" id: \\"x\\"" -m multiport --dports 9999 -j CNI-DN-0123456789abcdef01234
-A CNI-DN-0123456789abcdef01234 -p tcp -m tcp --dport 9999 -j DNAT --to-destination 198.51.100.7:80
COMMIT
X
mkdir -p /var/lib/cni/results; echo '{}' >/var/lib/cni/results/other-0123-eth0; cp ${machine.binary} /root/mk8s`])
  pristine = await machine.state()
}, 120_000)
afterAll(() => machine.close(), 120_000)

/** Every kind of volume, host ports and both host namespaces. */
const manifest = ({ imageVolume = true } = {}) => {
  const volumes = {
    disk: { emptyDir: {} }, memory: { emptyDir: { medium: 'Memory' } }, config: { configMap: { name: 'c' } }, secret: { secret: { secretName: 's' } }, host: { hostPath: { path: '/opt/host data' } },
    projected: { projected: { sources: [{ configMap: { name: 'c' } }, { serviceAccountToken: { path: 't' } }] } }, down: { downwardAPI: { items: [{ path: 'l', fieldRef: { fieldPath: 'metadata.labels' } }] } },
    claim: { persistentVolumeClaim: { claimName: 'claim' } }, ...(imageVolume && { image: { image: { reference: image } } }),
  }
  const mounts = [...Object.keys(volumes).map((name) => ({ name, mountPath: `/${name}` })), { name: 'host', mountPath: '/sub', subPath: 'sub' }, { name: 'config', mountPath: '/one', subPath: 'a' }]
  const ports = [{ containerPort: 80, hostPort: 8080 }, { containerPort: 53, hostPort: 5353, protocol: 'UDP' }]
  return { apiVersion: 'v1', kind: 'List', items: [
    { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'c' }, data: { a: 'b' } },
    { apiVersion: 'v1', kind: 'Secret', metadata: { name: 's' }, stringData: { a: 'b' } },
    { apiVersion: 'v1', kind: 'PersistentVolume', metadata: { name: 'volume' }, spec: { capacity: { storage: '1Gi' }, accessModes: ['ReadWriteOnce'], storageClassName: 'manual', hostPath: { path: '/opt/claimed' } } },
    { apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: { name: 'claim' }, spec: { accessModes: ['ReadWriteOnce'], storageClassName: 'manual', resources: { requests: { storage: '1Gi' } } } },
    { apiVersion: 'v1', kind: 'Service', metadata: { name: 'v' }, spec: { type: 'NodePort', sessionAffinity: 'ClientIP', selector: { app: 'v' }, ports: [{ port: 80 }] } },
    pod({ name: 'volumes', labels: { app: 'v' }, container: { ports, volumeMounts: mounts, resources: { limits: { memory: '64Mi', cpu: '100m' } } }, spec: { volumes: Object.entries(volumes).map(([name, source]) => ({ name, ...source })) } }),
    pod({ name: 'host', spec: { hostNetwork: true, hostPID: true } }),
    pod({ name: 'done', command: ['true'], spec: { restartPolicy: 'Never' } }),
    { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'many' }, spec: { replicas: 0, selector: { matchLabels: { app: 'many' } }, template: template({ app: 'many' }, 'sleep infinity') } },
  ] }
}
const allRun = (on = machine) => eventually('the pods run', async () => (await on.k(['get', 'pods', '-l', 'app!=many', '-o', 'jsonpath={.items[*].status.phase}'])).split(' ').sort().join() === 'Running,Running,Succeeded', 90)
const killHard = (...files: string[]) => machine.inside('sh', ['-c', `kill -9 $(cat ${files.map((file) => `/run/mk8s/${file}`).join(' ')})`])

/** Differences from the pristine machine, without what a killed server may keep: its data and the logs of its pods. */
const whatIsLeft = async () => differences(pristine, await machine.state()).filter((line) => !/(^. |  )\/(var\/lib\/mk8s|var\/log\/(pods|containers)|etc\/mk8s)/.test(line))

/** Tracked connections of pods and services. */
const flows = async () => (await machine.inside('conntrack', ['-L', '-f', 'ipv4'])).split('\n').filter((line) => /=10\.4[23]\./.test(line))
const talk = async () => {
  await eventually('the machine reaches the API server by its service', async () => (await machine.tryInside('curl', ['-sk', '-m', '5', 'https://10.43.0.1/version'])).code === 0)
  expect(await flows()).not.toEqual([])
}

test('killall leaves nothing but data, whatever was killed before', async () => {
  await machine.start()
  await machine.inside(machine.binary, ['images', 'import', '/root/busybox.tar'])
  await machine.apply(manifest())
  await allRun()
  await talk()
  await machine.inside(machine.binary, ['killall'])
  expect(await whatIsLeft()).toEqual([])
  expect(await flows()).toEqual([])

  await machine.start()
  await allRun()
  await killHard('mk8s.pid')
  await machine.inside(machine.binary, ['killall'])
  expect(await whatIsLeft()).toEqual([])
  expect(await flows()).toEqual([])

  await machine.start()
  await allRun()
  await machine.k(['scale', 'deployment/many', '--replicas=8'])
  await eventually('pods are being created', async () => Number(await machine.inside('sh', ['-c', 'ls /run/mk8s/containerd/io.containerd.grpc.v1.cri/sandboxes | wc -l'])) > 4)
  await killHard('containerd.pid', 'mk8s.pid')
  await machine.inside(machine.binary, ['killall'])
  expect(await whatIsLeft()).toEqual([])
  expect(await machine.inside(machine.binary, ['killall'])).toBe('')
})

test('of a server with a data directory of its own no run directory stays: after a start that failed, its end, a back-up put in place, killall and uninstall', async () => {
  const script = `set -e
mk8s=${machine.binary}
look() { ! ls -d /run/mk8s 2>/dev/null || find /run/mk8s; }
begin() { : >/opt/own/log; $mk8s server --data-dir /opt/own/data --write-kubeconfig /opt/own/config "$@" >/opt/own/log 2>&1 & until grep -q 'mk8s is ready' /opt/own/log; do kill -0 $!; sleep 0.1; done; }
mkdir /opt/own
! $mk8s server --data-dir /opt/own/data --write-kubeconfig /opt/own/config --disable-agent --bind-address 198.51.100.1 >/dev/null 2>&1; look
begin --disable-agent; $mk8s backup --data-dir /opt/own/data /opt/own/copy 2>/dev/null; kill $!; wait $! || true; look
$mk8s restore --data-dir /opt/own/data --skip-config /opt/own/copy >/dev/null; look
begin; kill -9 $! $(cat /run/mk8s/*/containerd.pid); touch $(dirname /run/mk8s/*/mk8s.pid)/of-a-later-version; $mk8s killall --data-dir /opt/own/data >/dev/null; look
mkdir -p /run/mk8s/$(basename $(sed -n 's,^state = "\\(.*\\)/containerd"$,\\1,p' /opt/own/data/agent/etc/containerd/config.toml)); $mk8s uninstall --yes --data-dir /opt/own/data >/dev/null; look
rm -r /opt/own`
  expect(await machine.inside('bash', ['-c', script], { timeout: 280_000 })).toBe('')
}, 300_000)

test('uninstall asks first, refuses what is not ours, and takes everything after a reboot', async () => {
  await machine.start()
  await allRun()
  await machine.cutPower()
  await machine.boot()
  const refused = await machine.tryInside(machine.binary, ['uninstall'])
  expect(refused).toMatchObject({ code: 1, stdout: '', stderr: 'mk8s: uninstall ends every pod and deletes all data of mk8s: repeat it with --yes\n' })
  expect((await machine.tryInside(machine.binary, ['uninstall', '--yes', '--data-dir', '/opt'])).stderr).toBe('mk8s: --data-dir: /opt is a directory of the system and is not deleted\n')
  // the question, on a terminal
  expect(await machine.inside('script', ['-qec', `${machine.binary} uninstall`, '/dev/null'], { input: 'no\n' }).catch((error: Error) => error.message)).toContain('nothing was changed')
  await machine.inside('sh', ['-c', `touch /var/log/mk8s.log /run/mk8s.pid && ${machine.binary} uninstall --yes`])
  // the other program's rules went with the power
  const left = differences({ ...pristine, rules: [] }, await machine.state())
  expect(left).toEqual([expect.stringMatching(/^- \/usr\/local\/bin\/mk8s f/)])
  expect(readFileSync(precious, 'utf8')).toBe('precious')
})

test('uninstall leaves what others put there: a mount point, a symbolic link, another kubelet; systemd forgets the unit', async () => {
  const script = `set -e
cp /root/mk8s /usr/local/bin/mk8s
mkdir -p /var/lib/mk8s /opt/disk/server /opt/disk/agent /var/lib/kubelet/pki /var/log/pods/other /run/systemd/system /etc/systemd/system
ln -s /opt/disk /opt/linked; echo x >/opt/disk/server/token
mount -t tmpfs x /var/lib/mk8s; mkdir -p /var/lib/mk8s/server
touch /etc/systemd/system/mk8s.service
printf '#!/bin/sh\\necho "$*" >>/run/systemctl\\n' >/usr/local/bin/systemctl; chmod 755 /usr/local/bin/systemctl`
  await machine.inside('bash', ['-c', script])
  expect(await machine.inside('/root/mk8s', ['uninstall', '--yes', '--keep-data'])).toBe('/var/lib/kubelet has files of another kubelet and stays, as do /var/log/pods and /var/log/containers\nmk8s is uninstalled; its data is still in /var/lib/mk8s\n')
  expect(await machine.inside('sh', ['-c', 'ls -d /var/lib/mk8s/server /usr/local/bin/mk8s /etc/systemd/system/mk8s.service 2>/dev/null; cat /run/systemctl'])).toBe('/var/lib/mk8s/server\ndisable --now mk8s.service\nstop mk8s.service\ndaemon-reload\n')
  await machine.inside('/root/mk8s', ['uninstall', '--yes'])
  await machine.inside('/root/mk8s', ['uninstall', '--yes', '--data-dir', '/opt/linked'])
  expect(await machine.inside('sh', ['-c', 'ls -d /var/lib/kubelet/pki /var/log/pods/other /opt/linked; mountpoint -q /var/lib/mk8s; ls -A /var/lib/mk8s /opt/linked/'])).toBe('/opt/linked\n/var/lib/kubelet/pki\n/var/log/pods/other\n/opt/linked/:\n\n/var/lib/mk8s:\n')
})

test('pods of the ctr driver go as well', async () => {
  const other = await new Machine(['--runtime-driver', 'ctr']).open()
  try {
    mkdirSync(join(other.disk, 'opt/claimed'))
    mkdirSync(join(other.disk, 'opt/host data/sub'), { recursive: true })
    writeBusyboxImage(join(other.disk, 'root/busybox.tar'), image)
    const before = await other.state()
    await other.start()
    await other.inside(other.binary, ['images', 'import', '/root/busybox.tar'])
    await other.apply(manifest({ imageVolume: false }))
    await allRun(other)
    await other.inside('sh', ['-c', 'kill -9 $(cat /run/mk8s/mk8s.pid /run/mk8s/containerd.pid)'])
    await other.inside(other.binary, ['uninstall', '--yes'])
    expect(differences(before, await other.state())).toEqual([expect.stringMatching(/^- \/usr\/local\/bin\/mk8s f/)])
  } finally {
    await other.close()
  }
})
