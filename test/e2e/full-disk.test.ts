// A disk that is full: the database lies on a small one of its own. Reads, changes and deletions go on, new objects are refused with the reason.
import { mkdirSync, openSync, closeSync, rmSync, statSync, writeFileSync, writeSync, chmodSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Box, binary, eventually, must } from './box.ts'

/** Its server sees a file system of 128 MB at the data directory; nobody else does, and it is gone with the server. */
class SmallDisk extends Box {
  override readonly binary = join(this.directory, 'mk8s-on-small-disk')

  override async open(): Promise<this> {
    const image = join(this.directory, 'disk')
    mkdirSync(this.dataDir)
    await must('truncate', ['--size=128M', image])
    await must('/sbin/mkfs.ext4', ['-q', '-m', '0', image])
    writeFileSync(this.binary, `#!/bin/sh\nexec unshare --mount --propagation private sh -c 'mount -o loop "${image}" "${this.dataDir}" && exec "${binary}" "$@"' sh "$@"\n`)
    chmodSync(this.binary, 0o755)
    return super.open()
  }

  /** A file of its disk, as seen from here. */
  file(name: string): string {
    return join(`/proc/${this.pid}/root`, this.dataDir, name)
  }

  get reserve(): number {
    return statSync(this.file('server/db/state.db-reserve'), { throwIfNoEntry: false })?.size ?? 0
  }

  /** As another program does: takes all there is. */
  fill(name: string): void {
    const ballast = openSync(this.file(name), 'w')
    const block = Buffer.alloc(64 << 10, 'x')
    try {
      for (let size = block.length; size >= 512;) {
        try {
          writeSync(ballast, block, 0, size)
        } catch (error) {
          if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error
          size /= 2
        }
      }
    } finally {
      closeSync(ballast)
    }
  }
}

const box = new SmallDisk(['--disable-agent'])
beforeAll(async () => {
  await box.open()
  await box.startApi()
})
afterAll(() => box.close())

const configMap = (name: string, size: number) => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, labels: { of: 'test' } }, data: { text: 'x'.repeat(size) } })
const create = (name: string, size = 50_000) => box.kubectl(['create', '-v=6', '-f', '-'], { input: JSON.stringify(configMap(name, size)) })
const names = async () => (await box.k(['get', 'configmaps', '-l', 'of=test', '-o', 'name'])).split('\n').filter(Boolean).map((line) => line.split('/')[1]!).sort()

test('a full disk refuses new objects, loses none, goes on reading, changing and deleting, also after a crash, and recovers', { timeout: 240_000 }, async () => {
  await eventually('the reserve is there', async () => box.reserve === 16 << 20)
  const there = new Set<string>()
  const mustCreate = async (name: string, size?: number) => {
    const { code, stderr } = await create(name, size)
    expect(code, stderr).toBe(0)
    there.add(name)
  }
  const expectRefused = async (name: string) => {
    const { code, stderr } = await create(name)
    expect(stderr).toMatch(/Error from server \(InsufficientStorage\).*cannot write .*: no room on the disk of the database: only changes and deletions are accepted until 32 MB are free/s)
    expect(stderr).toMatch(/\b507\b/)
    expect(code).not.toBe(0)
  }
  for (let i = 0; i < 5; i++) await mustCreate(`before-${i}`)
  await mustCreate('big', 500_000)

  box.fill('ballast')
  let refusedAfter = 0
  for (; refusedAfter < 200; refusedAfter++) {
    const { code } = await create(`filling-${refusedAfter}`, 500_000)
    if (code !== 0) break
    there.add(`filling-${refusedAfter}`)
  }
  expect(refusedAfter).toBeLessThan(40)
  await expectRefused('refused-1')
  expect(await names()).toEqual([...there].sort())
  expect(box.reserve).toBe(0)

  box.fill('more-ballast')
  const workOn = async (name: string) => {
    await box.k(['annotate', 'configmap', name, 'changed=yes', '--overwrite'])
    await box.k(['delete', 'configmap', name])
    there.delete(name)
    await expectRefused('refused-2')
    expect(await names()).toEqual([...there].sort())
  }
  await workOn('before-0')
  // More than the log holds at once.
  for (let i = 0; i < 20; i++) await box.k(['annotate', 'configmap', 'big', `changed=${i}`, '--overwrite'])
  await workOn('before-1')
  expect(box.log()).toContain('no room on the disk of the database')

  await box.signal('SIGKILL')
  await box.startApi()
  expect(await names()).toEqual([...there].sort())
  await workOn('before-2')
  await box.signal('SIGTERM')
  await box.startApi()
  box.fill('still-more-ballast')
  await workOn('before-3')

  for (const name of ['ballast', 'more-ballast', 'still-more-ballast']) rmSync(box.file(name))
  await eventually('new objects are accepted', async () => (await create('after')).code === 0, 10)
  there.add('after')
  await eventually('the reserve is there again', async () => box.reserve === 16 << 20)
  expect(await names()).toEqual([...there].sort())
  expect(await box.signal('SIGTERM')).toBe(0)
})
