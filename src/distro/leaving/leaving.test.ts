import { expect, test } from 'vitest'
import { hasRootBelow } from './processes.ts'
import { meansWholeMachine, refusal } from './uninstall.ts'

test.each([
  ['/', ['var', 'server']], ['/var', ['lib', 'agent']], ['/var/lib', ['server']], ['/usr', ['server']], ['/home', ['agent']], ['/srv', ['server']],
])('%s is not deleted', (directory, entries) => expect(refusal(directory, entries)).toBe(`--data-dir: ${directory} is a directory of the system and is not deleted`))

test('a directory is taken for one of ours by what it holds', () => {
  expect(refusal('/srv/mk8s', ['photos'])).toBe('--data-dir: /srv/mk8s holds no data of mk8s and is not deleted')
  expect(refusal('/srv/mk8s', ['agent', 'server', 'lost+found'])).toBeUndefined()
  expect(refusal('/srv/mk8s', [])).toBeUndefined()
  expect(meansWholeMachine('/var/lib/mk8s/', '/var/lib/mk8s')).toBe(true)
  expect(meansWholeMachine('/srv/mk8s', '/srv/mk8s')).toBe(true)
  expect(meansWholeMachine('/srv/other', '/srv/mk8s')).toBe(false)
})

test.each([
  ['an overlay of ours', '1 0 0:50 / / rw - overlay overlay rw,lowerdir=/x,upperdir=/data/containerd/1/fs,workdir=/data/containerd/1/work', true],
  ['a copied file system of ours', '1 0 8:1 /data/containerd/native/3 / rw - ext4 /dev/sda1 rw', true],
  ["another containerd's", '1 0 0:50 / / rw - overlay overlay rw,lowerdir=/x,upperdir=/data/containerd2/1/fs,workdir=/w', false],
  ['a mount of ours as the host sees it', '1 0 0:50 / /run/mk8s/rootfs rw - overlay overlay rw,upperdir=/data/containerd/1/fs', false],
])('the root of a process: %s', (_name, line, is) => expect(hasRootBelow(line, '/data/containerd')).toBe(is))
