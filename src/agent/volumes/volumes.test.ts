import { mkdir, mkdtemp, readFile, readdir, rm, stat, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { writePayload } from './atomic-writer.ts'
import { checkHostPath } from './host-path.ts'
import { resolveSubPath } from './sub-path.ts'

let directory: string
beforeEach(async () => void (directory = await mkdtemp(join(tmpdir(), 'mk8s-volumes-'))))
afterEach(() => rm(directory, { recursive: true }))

describe('files that change together', () => {
  const payload = (files: Record<string, string>) => new Map(Object.entries(files).map(([path, text]) => [path, { data: Buffer.from(text), mode: 0o640 }]))
  const visible = async () => (await readdir(directory)).filter((name) => !name.startsWith('..')).sort()

  test('are replaced as a whole, and not written when nothing changed', async () => {
    expect(await writePayload({ directory, payload: payload({ a: '1', 'deep/b': '2' }) })).toBe(true)
    expect(await visible()).toEqual(['a', 'deep'])
    expect(await readFile(join(directory, 'deep/b'), 'utf8')).toBe('2')
    expect((await stat(join(directory, 'a'))).mode & 0o777).toBe(0o640)
    expect(await writePayload({ directory, payload: payload({ a: '1', 'deep/b': '2' }) })).toBe(false)
    // a process that ended in between
    await rm(join(directory, 'deep'))
    expect(await writePayload({ directory, payload: payload({ a: '1', 'deep/b': '2' }) })).toBe(false)
    expect(await visible()).toEqual(['a', 'deep'])
    expect(await writePayload({ directory, payload: payload({ a: '3' }) })).toBe(true)
    expect(await visible()).toEqual(['a'])
    expect(await readFile(join(directory, 'a'), 'utf8')).toBe('3')
    expect((await readdir(directory)).filter((name) => name.startsWith('..2'))).toHaveLength(1)
  })
})

describe('paths inside a volume', () => {
  const resolve = (subPath: string) => resolveSubPath({ root: directory, subPath, mount: { name: 'v', mountPath: '/v' }, container: 'c' })
  test('are made when they are missing', async () => {
    expect(await resolve('a/b')).toBe(join(directory, 'a/b'))
    expect((await stat(join(directory, 'a/b'))).isDirectory()).toBe(true)
  })
  test('do not follow links out of it', async () => {
    await symlink('/etc', join(directory, 'out'))
    await mkdir(join(directory, 'in'))
    await symlink('in', join(directory, 'link'))
    await expect(resolve('out')).rejects.toThrow('failed to prepare subPath for volumeMount "v" of container "c"')
    await expect(resolve('out/new-directory')).rejects.toThrow('failed to create subPath directory for volumeMount "v" of container "c"')
    expect(await resolve('link')).toBe(join(directory, 'in'))
  })
})

test('host paths are checked by their type', async () => {
  await checkHostPath(join(directory, 'd'), 'DirectoryOrCreate')
  await checkHostPath(join(directory, 'f'), 'FileOrCreate')
  await checkHostPath(join(directory, 'd'), 'Directory')
  await expect(checkHostPath(join(directory, 'f'), 'Directory')).rejects.toThrow(`hostPath type check failed: ${join(directory, 'f')} is not a directory`)
  await expect(checkHostPath(join(directory, 'none'), 'Socket')).rejects.toThrow('is not a socket file')
})
