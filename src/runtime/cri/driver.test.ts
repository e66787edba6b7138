import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe } from 'vitest'
import { canRunContainers, startTestContainerd, testImage } from '../containerd/test-containerd.ts'
import { runtimeContract } from '../contract.ts'
import { openCriRuntime } from './driver.ts'

describe.runIf(canRunContainers)('with a containerd of its own', () => {
  runtimeContract('cri', async () => {
    const containerd = await startTestContainerd()
    const logDirectory = mkdtempSync(join(tmpdir(), 'mk8s-logs-'))
    const runtime = openCriRuntime({ endpoint: containerd.paths.socket })
    return {
      runtime, image: testImage, logDirectory, real: true,
      async close() {
        await runtime.close()
        await containerd.stop()
        rmSync(logDirectory, { recursive: true })
      },
    }
  })
})
