// Dead containers and sandboxes that nobody needs: all but the newest dead one of each container, and sandboxes without containers behind the newest.
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Since } from '../../base/clock.ts'
import type { ContainerRuntime, ContainerStatus } from '../../runtime/container-runtime.ts'
import { labelKeys } from '../container/labels.ts'
import type { Observed } from '../runtime/observed.ts'
import type { RuntimeView } from '../runtime/view.ts'
import type { DeadContainerSettings } from '../settings/settings.ts'

interface DeadContainers {
  runtime: ContainerRuntime
  view: RuntimeView
  /** `/var/log/containers` */
  containerLogs: string
  settings: DeadContainerSettings
  /** Wall time. */
  since: Since
  /** Pods of which nothing is kept, logs neither: those that have ended, when the disk is full. */
  everythingOf?(podUid: string): boolean
}

interface Surplus {
  containers: ContainerStatus[]
  sandboxes: string[]
}

/** Pure: what can go. */
function surplus({ containers, sandboxes }: Observed, { keptPerContainer, minimumAgeMilliseconds }: DeadContainerSettings, since: Since): Surplus {
  const dead = containers.filter((c) => c.state === 'exited' && since(c.createdAt) >= minimumAgeMilliseconds)
  const abandoned = containers.filter((c) => c.state === 'created' && containers.find((other) => other.name === c.name) !== c)
  const surplusContainers = [...dead.filter((c) => dead.filter((other) => other.name === c.name).indexOf(c) >= keptPerContainer), ...abandoned]
  const going = new Set(surplusContainers.map(({ id }) => id))
  const used = new Set(containers.filter(({ id }) => !going.has(id)).map(({ sandboxId }) => sandboxId))
  return { containers: surplusContainers, sandboxes: sandboxes.slice(1).filter((s) => !s.ready && !used.has(s.id)).map(({ id }) => id) }
}

const allDead = ({ containers, sandboxes }: Observed): Surplus =>
  ({ containers: containers.filter((c) => c.state === 'exited' || c.state === 'created'), sandboxes: sandboxes.filter((s) => !s.ready).map(({ id }) => id) })

export async function removeDead({ runtime, view, containerLogs, settings, since, everythingOf = () => false }: DeadContainers): Promise<void> {
  for (const uid of view.podUids()) {
    const observed = view.observe(uid)
    const found = everythingOf(uid) ? allDead(observed) : surplus(observed, settings, since)
    for (const container of found.containers) {
      await runtime.removeContainer(container.id)
      await rm(container.logPath, { force: true })
      await rm(logLink(containerLogs, container), { force: true })
      await view.refreshContainer(container.id)
    }
    for (const id of found.sandboxes) {
      await runtime.removeSandbox(id)
      await view.refreshSandbox(id)
    }
  }
}

export function logLink(directory: string, { id, name, labels }: Pick<ContainerStatus, 'id' | 'name' | 'labels'>): string {
  return join(directory, `${labels[labelKeys.podName]}_${labels[labelKeys.podNamespace]}_${name}-${id}.log`)
}
