import { spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { run } from '../../base/child-process.ts'
import { findPrograms } from '../containerd/host.ts'
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

  it('pulls with a password, and not without', async () => {
    const { paths, stop, dataDirectory } = await startTestContainerd({ criPlugin: false })
    const registry = `127.0.0.1:${20_000 + Math.floor(Math.random() * 10_000)}`
    const remote = `${registry}/team/busybox:1`
    // user "robot", password "opensesame"
    writeFileSync(join(dataDirectory, 'htpasswd'), 'robot:$2y$05$abcdefghijklmnopqrstuuQbLfdQZSxZ9gjhA5V9o8Tyc6aQRO0Qi\n')
    writeFileSync(join(dataDirectory, 'registry.yml'), JSON.stringify({
      version: 0.1, log: { level: 'error' }, storage: { filesystem: { rootdirectory: join(dataDirectory, 'registry') } }, http: { addr: registry }, auth: { htpasswd: { realm: 'r', path: join(dataDirectory, 'htpasswd') } },
    }))
    const server = spawn('docker-registry', ['serve', join(dataDirectory, 'registry.yml')], { stdio: 'ignore' })
    const runtime = openOn(paths)
    const images = (...args: string[]) => run(findPrograms().ctr, ['--address', paths.socket, '--namespace', 'k8s.io', 'images', ...args])
    try {
      await images('tag', testImage, remote)
      while ((await images('push', '--plain-http', '--user', 'robot:opensesame', remote)).code !== 0) await sleep(200)
      await images('rm', remote)
      await expect(runtime.pullImage(remote)).rejects.toThrow(/failed to pull and unpack image/)
      expect(await runtime.pullImage(remote, { username: 'robot', password: 'opensesame' })).toMatch(/^sha256:/)
      await runtime.removeImage(remote)
      expect(await runtime.pullImage(remote, { auth: Buffer.from('robot:opensesame').toString('base64') })).toMatch(/^sha256:/)
      expect((await runtime.imageStatus(remote))!.repoDigests).toEqual([expect.stringMatching(/\/team\/busybox@sha256:/)])
    } finally {
      server.kill()
      await runtime.close()
      await stop()
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
