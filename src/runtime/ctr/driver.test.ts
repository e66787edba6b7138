import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect } from 'vitest'
import { createImageMounts } from '../containerd/image-mounts.ts'
import { canRunContainers, startTestContainerd, testImage } from '../containerd/test-containerd.ts'
import { runtimeContract } from '../contract.ts'
import { defaultPauseImage } from '../pause/image.ts'
import { openCtrRuntime } from './driver.ts'

describe.runIf(canRunContainers)('with a containerd whose CRI plug-in is off', () => {
  runtimeContract('ctr', async () => {
    const containerd = await startTestContainerd({ criPlugin: false })
    const { paths } = containerd
    const logDirectory = mkdtempSync(join(tmpdir(), 'mk8s-logs-'))
    const open = () => openCtrRuntime({
      socket: paths.socket, stateDirectory: paths.ctrState, runDirectory: paths.ctrRun, cniConfigDirectory: paths.cniConfig, registriesDirectory: paths.registries, pauseImage: defaultPauseImage, cgroup: paths.cgroup,
      imageMounts: createImageMounts({ socket: paths.socket, directory: paths.imageMounts }),
    })
    let runtime = open()
    return {
      runtime, image: testImage, logDirectory, real: true,
      reopen: async () => (runtime = open()),
      async close() {
        await runtime.close()
        // Nothing of what the suite made is left but the root of the pause processes.
        runtime = open()
        for (const { id } of await runtime.listSandboxes()) await runtime.removeSandbox(id)
        await runtime.close()
        expect(readdirSync(paths.ctrRun)).toEqual(['pause'])
        await containerd.stop()
        rmSync(logDirectory, { recursive: true })
      },
    }
  })
})
