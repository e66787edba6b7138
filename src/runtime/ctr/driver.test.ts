import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { createImageMounts } from '../containerd/image-mounts.ts'
import { canRunContainers, startTestContainerd, testImage } from '../containerd/test-containerd.ts'
import type { ContainerdPaths } from '../containerd/paths.ts'
import { runtimeContract, sandboxSpec } from '../contract.ts'
import { openCriRuntime } from '../cri/driver.ts'
import { defaultPauseImage } from '../pause/image.ts'
import { openCtrRuntime } from './driver.ts'

describe.runIf(canRunContainers)('with a containerd whose CRI plug-in is off', () => {
  runtimeContract('ctr', async () => {
    const containerd = await startTestContainerd({ criPlugin: false })
    const { paths } = containerd
    const logDirectory = mkdtempSync(join(tmpdir(), 'mk8s-logs-'))
    const open = () => openOn(paths)
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

  it('does not start beside pods of the other driver', async () => {
    const { paths, stop, dataDirectory } = await startTestContainerd()
    const cri = openCriRuntime({ endpoint: paths.socket })
    const ctr = openOn(paths)
    try {
      await cri.runSandbox(sandboxSpec('other', join(dataDirectory, 'logs')))
      await expect(ctr.info()).rejects.toThrow('pods of --runtime-driver cri are still on this node: end them with "mk8s killall" before changing the driver')
    } finally {
      await ctr.close()
      await cri.close()
      await stop()
    }
  })
})

const openOn = (paths: ContainerdPaths) =>
  openCtrRuntime({
    socket: paths.socket, stateDirectory: paths.ctrState, runDirectory: paths.ctrRun, cniConfigDirectory: paths.cniConfig, registriesDirectory: paths.registries, pauseImage: defaultPauseImage, cgroup: paths.cgroup,
    imageMounts: createImageMounts({ socket: paths.socket, directory: paths.imageMounts }),
  })
