// What a crash left half done: a record says what was begun, and all that was made bears its id.
import { existsSync, readdirSync } from 'node:fs'
import { RuntimeError } from '../container-runtime.ts'
import { unlessGone } from '../cri/connection.ts'
import { discardContainer } from './containers.ts'
import type { CtrContext } from './context.ts'
import { discardSandbox, removeSandbox } from './sandboxes.ts'
import { services } from './services.ts'

export async function recover(context: CtrContext): Promise<void> {
  const { containers, sandboxes, runDirectory } = context
  await refuseOtherDriver(context)
  await context.profiles.recover()
  for (const id of containers.broken) await discardContainer(context, id)
  for (const { id, phase } of containers.all()) if (phase === 'creating') await discardContainer(context, id)
  for (const id of sandboxes.broken) await discardSandbox(context, id)
  for (const { id, phase } of sandboxes.all()) if (phase === 'creating') await removeSandbox(context, id)
  const known = (id: string) => containers.get(id) !== undefined || sandboxes.get(id) !== undefined
  for (const id of existsSync(runDirectory) ? readdirSync(runDirectory) : []) if (/^[0-9a-f]{64}$/.test(id) && !known(id)) await discardContainer(context, id)
}

/** Two drivers would each run the pods of the node. */
async function refuseOtherDriver({ containerd, containers, sandboxes }: CtrContext): Promise<void> {
  const { tasks } = await containerd.call(services.tasks, {})
  for (const { id, status } of tasks) {
    if (status !== 'running' || containers.get(id) || sandboxes.get(id)) continue
    const found = await unlessGone(containerd.call(services.container, { id }), undefined)
    if (found?.container?.labels['io.cri-containerd.kind']) throw new RuntimeError('FailedPrecondition', 'pods of --runtime-driver cri are still on this node: end them with "mk8s killall" before changing the driver')
  }
}
