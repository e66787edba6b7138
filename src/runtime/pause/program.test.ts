import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { hostArchitecture, pauseProgram } from './program.ts'

it('runs, waits, and ends with 0 when asked to', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'mk8s-pause-'))
  const path = join(directory, 'pause')
  writeFileSync(path, pauseProgram(hostArchitecture()), { mode: 0o755 })
  const child = spawn(path, { stdio: 'ignore' })
  await once(child, 'spawn')
  // In rt_sigtimedwait, by its number on either architecture.
  while (!/^(128|137) /.test(readFileSync(`/proc/${child.pid}/syscall`, 'utf8'))) await new Promise(setImmediate)
  child.kill('SIGTERM')
  expect(await once(child, 'exit')).toEqual([0, null])
  rmSync(directory, { recursive: true })
})
