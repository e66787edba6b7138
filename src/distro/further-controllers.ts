// The controllers that need to know this cluster, and those of nodes and storage.
import type { Controller } from '../controller/definition.ts'
import { disruptionController } from '../controllers/disruption/controller.ts'
import { createNodeIpam } from '../controllers/node-ipam/controller.ts'
import { nodeLifecycleController } from '../controllers/node-lifecycle/controller.ts'
import { persistentVolumeBinder } from '../controllers/persistent-volume-binder/controller.ts'
import { podGarbageCollector } from '../controllers/pod-garbage-collector/controller.ts'
import { claimProtection, volumeProtection } from '../controllers/storage-protection/controller.ts'

export const furtherControllers = (options: { clusterCidr: string }): readonly Controller[] => [
  createNodeIpam(options.clusterCidr),
  nodeLifecycleController,
  podGarbageCollector,
  persistentVolumeBinder,
  claimProtection,
  volumeProtection,
  disruptionController,
]
