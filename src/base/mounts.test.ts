import { expect, test } from 'vitest'
import { mountsBelow, mounts, nearestMount } from './mounts.ts'

const table = [
  '24 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw,errors=remount-ro',
  '31 24 8:2 / /var/lib/kubelet rw - ext4 /dev/sda2 rw',
  '32 31 0:50 / /var/lib/kubelet/pods/a\\040b rw master:7 - tmpfs tmpfs rw,size=4k',
  '33 24 0:51 / /var/lib/kubelet2/x rw - tmpfs tmpfs rw',
].join('\n')

test('below a directory, not the directory itself', () => expect(mountsBelow(['/var/lib/kubelet'], table)).toEqual(['/var/lib/kubelet/pods/a b']))

test('fields, with and without propagation', () => {
  expect(mounts(table)[0]).toEqual({ root: '/', point: '/', options: ['rw', 'relatime'], propagation: ['shared:1'], type: 'ext4', fileSystemOptions: 'rw,errors=remount-ro' })
  expect(mounts(table)[1]).toMatchObject({ propagation: [], type: 'ext4' })
})

test('the nearest mount of a path', () => {
  expect(nearestMount('/var/lib/kubelet/pods/a b/c', mounts(table))).toMatchObject({ type: 'tmpfs', propagation: ['master:7'] })
  expect(nearestMount('/var/lib/kubelet3', mounts(table))).toMatchObject({ point: '/' })
  expect(nearestMount('/x', [])).toBeUndefined()
})
