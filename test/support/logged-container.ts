// For tests: a running container whose log has a line of each stream.
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import type { ContainerRuntime } from '../../src/runtime/container-runtime.ts'
import { containerSpec, sandboxSpec } from '../../src/runtime/contract.ts'

/** Container `main` of image `x` in the sandbox `web`. @param logs where its log goes. */
export async function startLoggedContainer(runtime: ContainerRuntime, logs: string) {
  const sandbox = sandboxSpec('web', logs)
  const sandboxId = await runtime.runSandbox(sandbox)
  const id = await runtime.createContainer(sandboxId, containerSpec('main', 'x', ''), sandbox)
  await runtime.startContainer(id)
  const { logPath } = await runtime.containerStatus(id)
  mkdirSync(dirname(logPath), { recursive: true })
  writeFileSync(logPath, '2026-01-01T00:00:01Z stdout F one\n2026-01-01T00:00:02Z stderr F two\n')
  return { sandboxId, id, logPath }
}
