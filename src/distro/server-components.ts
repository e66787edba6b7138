// What `mk8s server` is made of, in the order in which it starts. Each part gets what it needs from those before it.
import type { KubeletSettings } from '../agent/settings/settings.ts'
import { inParallel, inSequence } from '../base/compose.ts'
import type { RecallingClock } from '../base/clock.ts'
import type { Component } from '../base/component.ts'
import type { Logger } from '../base/logger.ts'
import type { ServerConfig } from '../config/server-config.ts'
import { withoutDns } from '../dns/index.ts'
import { containerdComponent } from '../runtime/containerd/component.ts'
import { clockMemory } from './clock-memory.ts'
import type { NodeAddress } from './node-address.ts'
import { nodeComponents } from './node-components.ts'
import { controlPlane, type ControlPlane } from './control-plane.ts'
import { dataDirectory } from './data-directory.ts'
import { lastToBeKilled } from './oom-score.ts'
import { pathsOf } from './paths.ts'
import { processMemory } from './process-memory.ts'

interface ServerEnvironment {
  config: ServerConfig
  settings: KubeletSettings
  hostname: string
  address: NodeAddress
  clock: RecallingClock
  log: Logger
}

export function serverComponents(environment: ServerEnvironment): readonly Component[] {
  const { config, address, clock, log } = environment
  const paths = pathsOf(config.dataDir)
  const plane: ControlPlane = controlPlane({ ...environment, paths })
  const memory = [lastToBeKilled(log), ...processMemory({ clock, log, forget: plane.forget })]
  const ground = [dataDirectory(paths), clockMemory({ directory: config.dataDir, database: paths.database, clock, log })]
  if (config.disableAgent) return [...ground, ...plane.storage, withoutDns(paths.dns), ...plane.foundation, ...plane.loops, address.watch(plane.follow), ...memory]
  const containerd = config.containerRuntimeEndpoint
    ? []
    : [containerdComponent({ dataDirectory: config.dataDir, snapshotter: config.snapshotter, pauseImage: config.pauseImage, registriesFile: config.privateRegistry, criPlugin: config.runtimeDriver === 'cri', clock, log: log.with({ component: 'containerd' }) })]
  const node = nodeComponents({ ...environment, paths, plane })
  return [
    ...ground,
    ...plane.storage,
    // containerd and the API server need nothing of each other, and each takes a good part of a second
    inParallel('containerd and API server', [...containerd, inSequence('API server', plane.foundation)]),
    ...plane.loops,
    ...node.components,
    address.watch(async (before) => {
      await plane.follow()
      await node.follow(before)
    }),
    ...memory,
  ]
}
