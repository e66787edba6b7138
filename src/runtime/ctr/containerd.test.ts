import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { openContainerd } from './containerd.ts'

it.each([
  ['', 'opensesame', 'opensesame'],
  [' of odd letters', '\u0003\u0004 $`"\'', '\u0003\u0004 $`"\''],
  [' of great length', 'x'.repeat(3000), 'x'.repeat(3000)],
  [' of several lines', '{\n"key": 1\n}', '{ "key": 1 }'],
])('gives a password%s on a terminal, not on the command line', async (_what, password, read) => {
  const directory = mkdtempSync(join(tmpdir(), 'mk8s-ctr-'))
  const [program, seen] = [join(directory, 'ctr'), join(directory, 'seen')]
  writeFileSync(program, `#!/bin/sh\ncat /proc/$PPID/cmdline /proc/$$/cmdline /proc/$$/environ >${seen}\ntest -t 0 && IFS= read -r answer && printf %s "$answer"\n`)
  chmodSync(program, 0o700)
  const containerd = openContainerd({ socket: join(directory, 'none'), program })
  try {
    expect(await containerd.ctr(['images', 'pull', '--user', 'robot', 'image'], { password })).toBe(read)
    expect(readFileSync(seen, 'utf8')).toContain('--user\0robot\0image')
    expect(readFileSync(seen, 'utf8')).not.toContain(password)
  } finally {
    containerd.close()
    rmSync(directory, { recursive: true })
  }
})
