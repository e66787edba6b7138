// A containerd of a test's own: root, state and socket in a temporary directory, with a busybox image made from the machine's own busybox.
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { systemClock } from '../../base/clock.ts'
import { silentLogger } from '../../base/logger.ts'
import { unmountBelow } from '../../base/mounts.ts'
import { openCriRuntime } from '../cri/driver.ts'
import { importImages } from './images.ts'
import { containerdPaths } from './paths.ts'
import { containerdComponent, endProcess, readPid } from './component.ts'
import { busyboxArchive } from './test-image.ts'

export const testImage = 'mk8s.local/busybox:test'
/** Whether this machine and user can run containers at all. */
export const canRunContainers = process.getuid?.() === 0 && existsSync('/bin/busybox') && existsSync('/usr/bin/containerd')

export async function startTestContainerd({ criPlugin = true } = {}) {
  const dataDirectory = mkdtempSync(join(tmpdir(), 'mk8s-containerd-'))
  const paths = containerdPaths(dataDirectory)
  const component = containerdComponent({ dataDirectory, clock: systemClock, log: silentLogger, registriesFile: join(dataDirectory, 'registries.yaml'), criPlugin })
  const running = await component.start(new AbortController().signal)
  const archive = join(dataDirectory, 'busybox.tar')
  writeFileSync(archive, busyboxArchive(testImage, readFileSync('/bin/busybox')))
  await importImages(paths, archive)
  return {
    paths, dataDirectory, component, running,
    async stop() {
      const runtime = openCriRuntime({ endpoint: paths.socket })
      for (const sandbox of await runtime.listSandboxes().catch(() => [])) await runtime.removeSandbox(sandbox.id).catch(() => undefined)
      await runtime.close()
      await running.stop(AbortSignal.timeout(10_000))
      const pid = readPid(paths)
      if (pid !== undefined) await endProcess(pid, paths)
      await unmountBelow([dirname(paths.state), dataDirectory])
      rmSync(dataDirectory, { recursive: true, force: true })
      rmSync(dirname(paths.state), { recursive: true, force: true })
    },
  }
}
