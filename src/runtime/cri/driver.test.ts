import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe } from 'vitest'
import { canRunContainers, startTestContainerd, testImage } from '../containerd/test-containerd.ts'
import { createImageMounts } from '../containerd/image-mounts.ts'
import { runtimeContract } from '../contract.ts'
import { openCriRuntime } from './driver.ts'

describe.runIf(canRunContainers)('with a containerd of its own', () => {
  runtimeContract('cri', async () => {
    const containerd = await startTestContainerd()
    const logDirectory = mkdtempSync(join(tmpdir(), 'mk8s-logs-'))
    const open = () => openCriRuntime({ endpoint: containerd.paths.socket, imageMounts: createImageMounts({ socket: containerd.paths.socket, directory: containerd.paths.imageMounts }) })
    let runtime = open()
    return {
      reopen: async () => (runtime = open()),
      runtime, image: testImage, logDirectory, real: true,
      async close() {
        await runtime.close()
        await containerd.stop()
        rmSync(logDirectory, { recursive: true })
      },
    }
  })
})
