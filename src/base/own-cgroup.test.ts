import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { moveToOwnCgroup } from './own-cgroup.ts'

test('a process that outlives us leaves the service where systemd would end it with us', () => {
  const root = mkdtempSync(join(tmpdir(), 'mk8s-cgroup-'))
  const at = (...path: string[]) => join(root, ...path)
  mkdirSync(at('systemd'))
  writeFileSync(at('systemd/cgroup.procs'), '')
  try {
    moveToOwnCgroup(7, 'a', { hasSystemd: false, root })
    expect(existsSync(at('systemd/a'))).toBe(false)
    moveToOwnCgroup(8, 'b', { hasSystemd: true, root })
    expect(readFileSync(at('systemd/b/cgroup.procs'), 'utf8')).toBe('8')
    expect([existsSync(at('b')), existsSync(at('unified'))]).toEqual([false, false])
    writeFileSync(at('cgroup.controllers'), '')
    moveToOwnCgroup(9, 'c', { hasSystemd: true, root })
    expect(readFileSync(at('c/cgroup.procs'), 'utf8')).toBe('9')
  } finally {
    rmSync(root, { recursive: true })
  }
})
