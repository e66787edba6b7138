import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { FakeClock } from '../base/clock.ts'
import { runtimeContract } from './contract.ts'
import { FakeRuntime } from './fake.ts'

runtimeContract('fake', async () => {
  const runtime = new FakeRuntime({ clock: new FakeClock(), images: ['localhost/busybox:test'] })
  const logDirectory = mkdtempSync(join(tmpdir(), 'mk8s-logs-'))
  return {
    runtime, image: 'localhost/busybox:test', logDirectory, real: false, reopen: async () => runtime,
    async close() {
      await runtime.close()
      rmSync(logDirectory, { recursive: true })
    },
  }
})
