// The controllers that need to know this cluster, and those of nodes and storage.
import type { Controller } from '../controller/definition.ts'
import { createCertificateControllers } from '../controllers/certificates/controller.ts'
import { disruptionController } from '../controllers/disruption/controller.ts'
import { createNodeIpam } from '../controllers/node-ipam/controller.ts'
import { nodeLifecycleController } from '../controllers/node-lifecycle/controller.ts'
import { persistentVolumeBinder } from '../controllers/persistent-volume-binder/controller.ts'
import { podGarbageCollector } from '../controllers/pod-garbage-collector/controller.ts'
import { createServiceAccountTokenController } from '../controllers/service-account-token/controller.ts'
import { attributesClassProtection, claimProtection, volumeProtection } from '../controllers/storage-protection/controller.ts'
import { createTokenSigner } from '../pki/jwt.ts'
import type { ServerPki } from '../pki/server-pki.ts'

export const furtherControllers = (options: { clusterCidr: string; pki: ServerPki }): readonly Controller[] => [
  ...createCertificateControllers({ client: options.pki.clientCa, server: options.pki.serverCa }),
  createServiceAccountTokenController({ ca: options.pki.serverCa.certificate, sign: createTokenSigner(options.pki.serviceAccountKey.privateKey) }),
  createNodeIpam(options.clusterCidr),
  nodeLifecycleController,
  podGarbageCollector,
  persistentVolumeBinder,
  claimProtection,
  volumeProtection,
  attributesClassProtection,
  disruptionController,
]
