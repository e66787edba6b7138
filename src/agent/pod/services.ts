// All that executing a step needs, gathered once.
import type { Clock } from '../../base/clock.ts'
import type { Logger } from '../../base/logger.ts'
import type { RuntimeClass, Service } from '../../api/generated/types.ts'
import type { Client } from '../../client/client.ts'
import type { ContainerRuntime } from '../../runtime/container-runtime.ts'
import type { Recorder } from '../events/recorder.ts'
import type { Images } from '../image/images.ts'
import type { ResourceList } from '../../api/pod-amounts.ts'
import type { Cgroups } from '../resources/cgroups.ts'
import type { RuntimeView } from '../runtime/view.ts'
import type { DnsConfig } from '../sandbox/dns.ts'
import type { Slots } from '../../base/slots.ts'
import type { Volumes } from '../volumes/volume.ts'

export interface AgentDirectories {
  /** State of the agent: `pods/` and more are below it. */
  root: string
  /** `/var/log/pods` */
  podLogs: string
  /** `/var/log/containers` */
  containerLogs: string
}

export interface PodServices {
  client: Client
  runtime: ContainerRuntime
  view: RuntimeView
  images: Images
  volumes: Volumes
  cgroups: Cgroups
  recorder: Recorder
  clock: Clock
  log: Logger
  directories: AgentDirectories
  /** Many pods at once come up sooner when few sandboxes and few containers are made at a time, those of more important pods first. */
  sandboxSlots: Slots
  startSlots: Slots
  hostIps(): readonly string[]
  clusterDns: readonly string[]
  clusterDomain: string
  runtimeName: string
  recursiveReadOnly: boolean
  memoryCapacityBytes: number
  hostDns(): Promise<DnsConfig>
  /** Undefined until they are known. */
  services(): readonly Service[] | undefined
  runtimeClass(name: string): Promise<RuntimeClass | undefined>
  allocatable(): ResourceList
}
