// Everything the agent is given by whoever composes it.
import type { Clock } from '../base/clock.ts'
import type { Logger } from '../base/logger.ts'
import type { Taint } from '../api/generated/types.ts'
import type { Client } from '../client/client.ts'
import type { InformerFactory } from '../client/informer.ts'
import type { ContainerRuntime } from '../runtime/container-runtime.ts'
import type { AgentDirectories } from './pod/services.ts'
import type { CgroupDriver } from './resources/cgroups.ts'
import type { KubeletSettings } from './settings/settings.ts'
import type { Mounter } from './volumes/mounter.ts'

export interface AgentOptions {
  /** As `system:node:<nodeName>`. */
  client: Client
  informers: InformerFactory
  runtime: ContainerRuntime
  nodeName: string
  /** First one is the InternalIP; one for each family. They may change: then `Agent.addressesChanged` is called. */
  nodeIps(): readonly string[]
  /** Default `nodeName`. */
  hostname?: string
  nodeLabels?: Record<string, string>
  nodeTaints?: readonly Taint[]
  /** Default: the kubelet's. */
  settings?: KubeletSettings
  /** No sandbox is made before: pods have a network from then on. Default: at once. */
  networkReady?: Promise<unknown>
  /** No container starts before: what it may ask for in its first instant is there. Default: at once. */
  servicesReady?: Promise<unknown>
  directories: AgentDirectories
  /** Default: what the runtime says. */
  cgroupDriver?: CgroupDriver
  /** Default `/sys/fs/cgroup`. */
  cgroupRoot?: string
  /** A cgroup above `kubepods`; default none. */
  cgroupParent?: string
  clusterDns: readonly string[]
  clusterDomain: string
  /** Default `/etc/resolv.conf`. */
  resolvConf?: string
  /** Port of the agent's HTTPS endpoints, as the Node tells it. */
  port: number
  /** As in `v1.36.3+mk8s1`. */
  version: string
  clock: Clock
  log: Logger
  /** Between 0 and 1; default Math.random. */
  random?: () => number
  /** Default: mount(8). */
  mounter?: Mounter
}
