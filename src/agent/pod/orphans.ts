// Ends what no pod of the API owns: sandboxes and containers of pods that were deleted while the agent was away, their volumes, cgroups and logs.
import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { mayRun } from '../runtime/observed.ts'
import type { PodServices } from './services.ts'

const graceSeconds = 1

export async function removeOrphans(services: PodServices, isKnown: (uid: string) => boolean): Promise<void> {
  const { view, volumes, cgroups, log } = services
  const uids = new Set([...view.podUids(), ...(await volumes.onDisk()), ...(await cgroups.pods()), ...(await directories(services)), ...(await logs(services)).map((l) => l.uid)])
  for (const uid of uids) {
    if (isKnown(uid)) continue
    await removeOrphan(services, uid).catch((error: Error) => log.warn('orphan not removed', { pod: uid, error }))
  }
  for (const { uid, name } of await logs(services)) {
    if (!isKnown(uid)) await rm(join(services.directories.podLogs, name), { recursive: true, force: true })
  }
  const { containerLogs } = services.directories
  for (const name of await readdir(containerLogs).catch((): string[] => [])) {
    if (!view.container(/-([^-]+)\.log$/.exec(name)?.[1] ?? '')) await rm(join(containerLogs, name), { force: true })
  }
}

/** @throws RuntimeError when the runtime does not answer; what is gone by then is gone. */
export async function removeOrphan(services: PodServices, uid: string): Promise<void> {
  const { runtime, view, volumes, cgroups } = services
  const { containers, sandboxes } = view.observe(uid)
  await Promise.all(containers.filter(mayRun).map(({ id }) => runtime.stopContainer(id, graceSeconds)))
  for (const { id } of sandboxes) await runtime.stopSandbox(id)
  for (const { id } of containers) {
    await runtime.removeContainer(id)
    await view.refreshContainer(id)
  }
  for (const { id } of sandboxes) {
    await runtime.removeSandbox(id)
    await view.refreshSandbox(id)
  }
  await volumes.release(uid)
  await cgroups.removePod(uid)
  await rm(join(services.directories.root, 'pods', uid), { recursive: true, force: true })
}

const directories = ({ directories: { root } }: PodServices) => readdir(join(root, 'pods')).catch((): string[] => [])

/** Log directories are named `<namespace>_<name>_<uid>`. */
async function logs({ directories: { podLogs } }: PodServices): Promise<{ uid: string; name: string }[]> {
  const names = await readdir(podLogs).catch((): string[] => [])
  return names.map((name) => ({ name, uid: name.split('_')[2] ?? '' })).filter(({ uid }) => uid !== '')
}
