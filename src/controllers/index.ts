// All controllers as one component: they run on the server that holds the Lease `kube-controller-manager`.
import type { UserInfo } from '../api/user.ts'
import { serviceAccountUser } from '../api/user.ts'
import type { Clock } from '../base/clock.ts'
import type { Component } from '../base/component.ts'
import type { Logger } from '../base/logger.ts'
import type { Client } from '../client/client.ts'
import { createInformerFactory } from '../client/informer-factory.ts'
import { runAsLeader } from '../client/leader-election.ts'
import type { Controller, ControllerEnvironment } from '../controller/definition.ts'
import { createTokenSigner } from '../pki/jwt.ts'
import type { ServerPki } from '../pki/server-pki.ts'
import { createCertificateControllers } from './certificates/controller.ts'
import { clusterRoleAggregationController } from './cluster-role-aggregation/controller.ts'
import { createDaemonSetController } from './daemonset/controller.ts'
import { createCronJobController } from './cronjob/controller.ts'
import { deploymentController } from './deployment/controller.ts'
import { disruptionController } from './disruption/controller.ts'
import { endpointsController } from './endpoints/controller.ts'
import { endpointSliceController } from './endpointslice/controller.ts'
import { endpointSliceMirroringController } from './endpointslice-mirroring/controller.ts'
import { garbageCollector } from './garbage-collector/controller.ts'
import { createJobController } from './job/controller.ts'
import { jobOrphanPodController } from './job/orphan-pods.ts'
import { namespaceController } from './namespace/controller.ts'
import { createNodeIpam } from './node-ipam/controller.ts'
import { nodeLifecycleController } from './node-lifecycle/controller.ts'
import { persistentVolumeBinder } from './persistent-volume-binder/controller.ts'
import { podGarbageCollector } from './pod-garbage-collector/controller.ts'
import { replicaSetController, replicationController } from './replicaset/controller.ts'
import { resourceQuotaController } from './resource-quota/controller.ts'
import { createRootCaPublisher } from './root-ca-publisher/controller.ts'
import { createServiceAccountTokenController } from './service-account-token/controller.ts'
import { serviceAccountController } from './service-account/controller.ts'
import { statefulSetController } from './statefulset/controller.ts'
import { attributesClassProtection, claimProtection, volumeProtection } from './storage-protection/controller.ts'
import { ttlAfterFinishedController } from './ttl-after-finished/controller.ts'

interface ControllersOptions {
  /** A client with the rights of a user. */
  clientFor(user: UserInfo): Client
  /** Of this server; the same after a restart. */
  identity: string
  pki: ServerPki
  /** Of which nodes get their parts. */
  clusterCidr: string
  clock: Clock
  log: Logger
  random?: () => number
  /** Of CronJobs that name none; default: this machine's. */
  timeZone?: string
}

const managerUser: UserInfo = { name: 'system:kube-controller-manager', groups: ['system:authenticated'] }

export function createControllers(options: ControllersOptions): Component {
  const { clock, log, identity } = options
  const client = options.clientFor(managerUser)
  return {
    name: 'controllers',
    async start() {
      const stopping = new AbortController()
      const failed = Promise.withResolvers<Error>()
      const running = runAsLeader({ client, name: 'kube-controller-manager', identity, clock, log }, stopping.signal, (signal) => runAll(options, client, signal))
      running.catch((error: unknown) => failed.resolve(error as Error))
      return {
        failed: failed.promise,
        async stop() {
          stopping.abort(new Error('stopped'))
          await running.catch(() => {})
        },
      }
    },
  }
}

const controllersOf = (options: ControllersOptions): readonly Controller[] => [
  serviceAccountController,
  createRootCaPublisher(options.pki.serverCa.trust),
  replicaSetController,
  replicationController,
  createJobController(),
  jobOrphanPodController,
  createCronJobController(options.timeZone ?? Intl.DateTimeFormat().resolvedOptions().timeZone),
  ttlAfterFinishedController,
  deploymentController,
  createDaemonSetController(),
  statefulSetController,
  endpointsController,
  endpointSliceController,
  endpointSliceMirroringController,
  namespaceController,
  garbageCollector,
  clusterRoleAggregationController,
  resourceQuotaController,
  ...createCertificateControllers({ client: options.pki.clientCa, server: options.pki.serverCa }),
  createServiceAccountTokenController({ ca: options.pki.serverCa.trust, sign: createTokenSigner(options.pki.serviceAccountKey.privateKey) }),
  createNodeIpam(options.clusterCidr),
  nodeLifecycleController,
  podGarbageCollector,
  persistentVolumeBinder,
  claimProtection,
  volumeProtection,
  attributesClassProtection,
  disruptionController,
]

async function runAll(options: ControllersOptions, client: Client, signal: AbortSignal): Promise<void> {
  const { clock, log, random = Math.random } = options
  const informers = createInformerFactory({ client, clock, log, random })
  const environment: ControllerEnvironment = { informers, clock, log, random, clientFor: (name) => options.clientFor(serviceAccountUser('kube-system', name)) }
  await Promise.all(controllersOf(options).map((controller) => controller.run(environment, signal).catch((error: unknown) => unlessStopped(error, signal))))
  await informers.stop()
}

const unlessStopped = (error: unknown, signal: AbortSignal): void => {
  if (!signal.aborted) throw error
}
