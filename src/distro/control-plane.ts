// Certificates, storage, API server, controllers and scheduler of one server.
import { randomInt } from 'node:crypto'
import { dirname } from 'node:path'
import { builtinResources } from '../api/resources/index.ts'
import { apiServerUser, type UserInfo } from '../api/user.ts'
import type { Clock } from '../base/clock.ts'
import type { Component } from '../base/component.ts'
import type { Logger } from '../base/logger.ts'
import { renewable } from '../base/renewable.ts'
import { gitVersion } from '../base/version.ts'
import { createClient } from '../client/create-client.ts'
import type { Client } from '../client/client.ts'
import { createEventRecorder } from '../client/event-recorder.ts'
import { createInformerFactory } from '../client/informer-factory.ts'
import type { InformerFactory } from '../client/informer.ts'
import { runAsLeader } from '../client/leader-election.ts'
import { LoopbackTransport } from '../client/loopback-transport.ts'
import type { ServerConfig } from '../config/server-config.ts'
import { createControllers } from '../controllers/index.ts'
import { writeKubeconfig } from '../pki/kubeconfig.ts'
import { createPkiRenewal, type PkiRenewal } from '../pki/renewal.ts'
import { adoptReplacement } from '../pki/replace-authorities.ts'
import { discardCertificates, serviceNames } from '../pki/services.ts'
import { ensureServerPki, type ServerPki } from '../pki/server-pki.ts'
import { createScheduler } from '../scheduler/index.ts'
import { createApiServer, type ApiServer } from '../server/api-server.ts'
import { reconcileSystemObjects } from '../server/bootstrap/bootstrap.ts'
import { reconcileKubernetesService } from '../server/bootstrap/kubernetes-service.ts'
import { connectHandlers } from '../server/connect/index.ts'
import { openHttpFrontEnd, type TlsMaterial } from '../server/http/front-end.ts'
import { createSecurity, type Security } from '../server/security.ts'
import { createServiceAllocation } from '../server/service-allocation/allocation.ts'
import { openSqliteStorage, type SqliteStorage } from '../storage-sqlite/sqlite-storage.ts'
import { extractSqliteAddon, startStorageWorker } from './assets.ts'
import { type ControlHandlers, controlSocket } from './control-socket.ts'
import type { NodeAddress } from './node-address.ts'
import { hadServer, nodeNameKeeper } from './node-name.ts'
import type { Paths } from './paths.ts'
import { openOrRecover } from './recover-database.ts'
import { stateCopies } from './state-copies.ts'
import { describeState } from './state-mark.ts'

export interface ControlPlane {
  /** Before anything else is touched: it tells whether the data directory is free and sound. */
  readonly storage: readonly Component[]
  /** Up to an API server that answers. */
  readonly foundation: readonly Component[]
  /** What acts on its objects. */
  readonly loops: readonly Component[]
  /** A client inside this process with the rights of a user; the API server must have started. */
  clientFor(user: UserInfo): Client
  /** Informers with the rights of a user; end them with `stop`. */
  informersFor(user: UserInfo): InformerFactory
  readonly pki: ServerPki
  readonly api: ApiServer
  readonly security: Security
  /** Lets go of what can be made again. */
  forget(): void
  /** The server is reached at another address. */
  follow(): Promise<void>
}

interface ControlPlaneOptions {
  config: ServerConfig
  hostname: string
  address: NodeAddress
  paths: Paths
  clock: Clock
  log: Logger
}

/** Parts that exist from some point of the start on. */
interface Parts {
  pki: ServerPki
  storage: SqliteStorage
  security: Security
  api: ApiServer
  renewal: PkiRenewal
}

const schedulerUser: UserInfo = { name: 'system:kube-scheduler', groups: ['system:authenticated'] }

export function controlPlane(options: ControlPlaneOptions): ControlPlane {
  const { config, address, paths, clock, log } = options
  const parts: Partial<Parts> = {}
  const need = <K extends keyof Parts>(name: K): Parts[K] => {
    const part = parts[name]
    if (!part) throw new Error(`${name} is asked for before it has started`)
    return part
  }
  const clientFor = (user: UserInfo) => createClient(new LoopbackTransport(need('api'), user))
  const informersFor = (user: UserInfo) => createInformerFactory({ client: clientFor(user), clock, log })

  const ensurePki = () => {
    const { nodeIp, advertiseAddress } = address.current()
    return ensureServerPki({
      directory: config.dataDir, clock, nodeName: config.nodeName, clusterDomain: config.clusterDomain, serviceIp: config.kubernetesServiceIp, token: config.token,
      sans: [...new Set([nodeIp, advertiseAddress, ...config.tlsSan])], nodeAddresses: [nodeIp],
    })
  }
  const reconcileKubernetes = () => reconcileKubernetesService(clientFor(apiServerUser), {
    address: address.current().advertiseAddress, port: config.httpsListenPort, serviceIp: config.kubernetesServiceIp, serviceCidr: config.serviceCidr,
  })
  const certificates: Component = {
    name: 'certificates',
    async start() {
      const adopted = adoptReplacement(config.dataDir)
      if (adopted.length > 0) log.warn('authorities were replaced, as prepared by "mk8s certificate rotate-ca"', { files: adopted })
      parts.pki = await ensurePki()
      return idle
    },
  }

  const storage: Component = {
    name: 'storage',
    async start() {
      const open = () => openSqliteStorage({ path: paths.database, startWorker: startStorageWorker, nativeBinding: extractSqliteAddon(paths.addons), mayCreate: !hadServer(paths.data), reserveBytes: 16 << 20, clock, log: log.with({ component: 'storage' }) })
      const opened = await openOrRecover(open, { options: config, paths, clock, log: log.with({ component: 'storage' }) })
      parts.storage = opened
      return { failed: opened.failed, stop: () => opened.close() }
    },
  }

  const apiServer: Component = {
    name: 'API server',
    async start() {
      const security = createSecurity({ pki: need('pki'), issuer: `https://kubernetes.default.svc.${config.clusterDomain}`, clock, client: () => clientFor(apiServerUser) })
      parts.security = security
      const api = await createApiServer({
        storage: need('storage'), definitions: builtinResources, clock, log: log.with({ component: 'api' }), version: gitVersion,
        createAuthorizer: security.createAuthorizer,
        createAdmission: (reader) => [
          ...security.createAdmission(reader),
          createServiceAllocation({ reader, serviceCidr: config.serviceCidr, nodePortRange: config.serviceNodePortRange, clock, random: Math.random }),
        ],
        createSubresources: (reader, authorizer) => new Map([
          ...security.createSubresources(reader),
          ...connectHandlers({ access: { ownNode: config.disableAgent ? undefined : config.nodeName, identity: () => ({ ...need('pki').kubeletAccess, authority: need('pki').serverCa.trust }) }, authorizer, random: randomInt }),
        ]),
      })
      parts.api = api
      const client = clientFor(apiServerUser)
      await reconcileSystemObjects(client)
      security.addOpenIdPaths(api.paths, () => `https://${address.current().advertiseAddress}:${config.httpsListenPort}`)
      await Promise.all([security.reconcile(client), reconcileKubernetes()])
      return { failed: new Promise(() => {}), stop: async () => api.stop() }
    },
  }

  const frontEnd: Component = {
    name: 'HTTPS front end',
    async start(signal) {
      const authentication = need('security').createAuthentication(need('api').reader)
      const server = await openHttpFrontEnd({
        host: config.bindAddress, port: config.httpsListenPort, api: need('api'), log: log.with({ component: 'http' }),
        tls: tlsOf(need('pki')),
        authenticate: (credentials) => authentication.authenticate(credentials),
      }).catch((error: NodeJS.ErrnoException) => {
        throw error.code === 'EADDRINUSE' ? new Error(`port ${config.httpsListenPort} is taken by another program; choose one with --https-listen-port`) : error
      })
      const onRenewed = (pki: ServerPki) => {
        const before = need('pki')
        server.reload(tlsOf((parts.pki = pki)))
        writeAdminKubeconfig(pki)
        // they sign with the authorities, and publish them to pods
        if (pki.serverCa.trust !== before.serverCa.trust || pki.clientCa.certificate !== before.clientCa.certificate) void controllers.renew()
      }
      parts.renewal = createPkiRenewal({ current: need('pki'), ensure: ensurePki, onRenewed, clock, log })
      const renewal = await parts.renewal.start(signal)
      return {
        failed: new Promise(() => {}),
        async stop(deadline) {
          await renewal.stop(deadline)
          await server.stop(deadline)
        },
      }
    },
  }

  const writeAdminKubeconfig = ({ admin, serverCa }: ServerPki) =>
    writeKubeconfig(config.writeKubeconfig, { server: `https://${reachable(config.bindAddress)}:${config.httpsListenPort}`, authority: serverCa.trust, client: admin }, parseInt(config.writeKubeconfigMode, 8))
  const kubeconfig: Component = {
    name: 'kubeconfig',
    async start() {
      writeAdminKubeconfig(need('pki'))
      return idle
    },
  }

  const control = (): ControlHandlers => ({
    '/ping': async () => ({}),
    async '/copy'({ path }) {
      if (typeof path !== 'string' || !path.startsWith(`${dirname(paths.database)}/`)) throw new Error(`a copy of the database must lie below ${dirname(paths.database)}`)
      return { revision: await need('storage').copyTo(path) }
    },
    async '/certificates/rotate'({ services }) {
      discardCertificates(config.dataDir, serviceNames.filter((name) => (services as readonly string[]).includes(name)))
      return { renewed: await need('renewal').renew() }
    },
  })
  const copies = config.etcdDisableSnapshots ? [] : [stateCopies({ config, describe: () => describeState(need('storage'), clientFor(apiServerUser)), clock, log: log.with({ component: 'copies' }) })]

  const controllers = renewable('controllers', () => createControllers({
    clientFor, identity: config.nodeName, pki: need('pki'), clusterCidr: config.clusterCidr, clock, log: log.with({ component: 'controllers' }),
  }))

  return {
    storage: [storage],
    foundation: [certificates, controlSocket(paths.control, control), nodeNameKeeper({ dataDirectory: config.dataDir, name: config.nodeName, hostname: options.hostname, log }), apiServer, frontEnd, kubeconfig],
    loops: [...copies, controllers, asLeader({ name: 'kube-scheduler', identity: config.nodeName, client: () => clientFor(schedulerUser), clock, log }, () => scheduler())],
    clientFor, informersFor,
    get pki() { return need('pki') },
    get api() { return need('api') },
    get security() { return need('security') },
    forget() {
      parts.api?.cache.forget()
      parts.storage?.relieve()
    },
    async follow() {
      await need('renewal').renew()
      await reconcileKubernetes()
    },
  }

  function scheduler(): Component {
    const client = clientFor(schedulerUser)
    const schedulerLog = log.with({ component: 'scheduler' })
    const informers = createInformerFactory({ client, clock, log: schedulerLog })
    const inner = createScheduler({ client, informers, events: createEventRecorder({ client, component: 'default-scheduler', clock, log: schedulerLog }), clock, log: schedulerLog })
    return withInformers(inner, informers)
  }
}

const tlsOf = ({ serving, serverCa, clientCa, requestHeaderCa }: ServerPki): TlsMaterial =>
  ({ certificate: serving.certificate + serverCa.chain, key: serving.key, clientAuthorities: [clientCa.trust, requestHeaderCa.trust] })

const idle = { failed: new Promise<never>(() => {}), stop: async () => {} }

export const withInformers = (component: Component, informers: InformerFactory): Component => ({
  name: component.name,
  async start(signal) {
    const running = await component.start(signal)
    return {
      failed: running.failed,
      async stop(deadline) {
        await running.stop(deadline)
        await informers.stop()
      },
    }
  },
})

interface LeaderOptions {
  name: string
  identity: string
  client(): Client
  clock: Clock
  log: Logger
}

/** Runs a component while this server holds a Lease. Ready at once: another server may be the leader. */
function asLeader(options: LeaderOptions, make: () => Component): Component {
  return {
    name: options.name,
    async start() {
      const stopping = new AbortController()
      const failed = Promise.withResolvers<Error>()
      const leading = runAsLeader({ ...options, client: options.client() }, stopping.signal, async (signal) => {
        const running = await make().start(signal)
        void running.failed.then(failed.resolve)
        await new Promise<void>((resolve) => (signal.aborted ? resolve() : signal.addEventListener('abort', () => resolve(), { once: true })))
        await running.stop(AbortSignal.timeout(5000))
      })
      leading.catch((error: unknown) => failed.resolve(error as Error))
      return {
        failed: failed.promise,
        async stop() {
          stopping.abort(new Error('stopped'))
          await leading.catch(() => {})
        },
      }
    },
  }
}

/** Where a client on this machine finds a server that listens on `address`. */
function reachable(address: string | undefined): string {
  if (!address || address === '0.0.0.0' || address === '::') return '127.0.0.1'
  return address.includes(':') ? `[${address}]` : address
}
