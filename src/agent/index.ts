// The agent of a node: composition of its parts. `agent.lookup` is what its HTTPS endpoints ask.
import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { cgroupRoot } from '../base/cgroups.ts'
import type { Component, Running } from '../base/component.ts'
import { createSlots } from '../base/slots.ts'
import { nodes, pods as podsRef, runtimeclasses, services as servicesRef } from '../api/refs.ts'
import { ignoreNotFound } from '../api/status-error.ts'
import { createEventRecorder } from '../client/event-recorder.ts'
import type { SandboxSpec } from '../runtime/container-runtime.ts'
import { createRecorder } from './events/recorder.ts'
import { createImages } from './image/images.ts'
import { startCollector, type Collector } from './collect/collector.ts'
import { startHeartbeat } from './node/lease.ts'
import { readMachine } from './node/machine.ts'
import { startNodeAgent, type NodeAgent } from './node/node-agent.ts'
import type { AgentOptions } from './options.ts'
import { podLookup, type PodLookup } from './pod-lookup.ts'
import { endPods } from './pod/end-pods.ts'
import { startPods, type Pods } from './pod/pods.ts'
import type { AgentPod } from './pod/types.ts'
import type { PodServices } from './pod/services.ts'
import { createProbes } from './probes/probes.ts'
import { createWatchedObjects } from './references/watched-objects.ts'
import { createCgroups } from './resources/cgroups.ts'
import { nothingObserved } from './runtime/observed.ts'
import { openRuntimeView, type RuntimeView } from './runtime/view.ts'
import { parseResolvConf } from './sandbox/dns.ts'
import { portMappings } from './sandbox/spec.ts'
import { defaultSettings } from './settings/settings.ts'
import { createStatusWriter } from './status/writer.ts'
import { systemMounter } from './volumes/mounter.ts'
import { openVolumes } from './volumes/volumes.ts'


const slotsPerCpu = 3

interface HostPorts extends Pick<SandboxSpec, 'portMappings'> {
  sandboxId: string
  /** Of the pod. */
  ips: readonly string[]
}

export interface Agent extends Component {
  /** Knows nothing until the agent has started. */
  readonly lookup: PodLookup
  /** The node's status and those of its pods are brought up to date. */
  addressesChanged(): void
  /** Host ports that lead to pods now. */
  hostPorts(): HostPorts[]
  /** As the machine goes down: nothing acts on pods any more, and their containers end. */
  endPods(): Promise<void>
}

export function createAgent(options: AgentOptions): Agent {
  let started: Started | undefined
  return {
    name: 'agent',
    lookup: podLookup(() => started?.pods, (uid) => started?.view.observe(uid) ?? nothingObserved),
    addressesChanged() {
      started?.nodeAgent.refresh()
      for (const worker of started?.pods.all() ?? []) worker.wake()
    },
    hostPorts: () => (started ? started.pods.all().flatMap((worker) => hostPortsOf(worker.pod(), started!.view)) : []),
    endPods: async () => started?.endPods(),
    start: (signal) => startAgent(options, signal, (parts) => (started = parts)),
  }
}

function hostPortsOf(pod: AgentPod, view: RuntimeView): HostPorts[] {
  const mappings = portMappings(pod)
  const sandbox = view.observe(pod.metadata.uid).sandboxes.find(({ ready }) => ready)
  return mappings.length > 0 && sandbox ? [{ sandboxId: sandbox.id, ips: sandbox.ips, portMappings: mappings }] : []
}

interface Started {
  pods: Pods
  view: RuntimeView
  nodeAgent: NodeAgent
  endPods(): Promise<void>
}

async function startAgent(options: AgentOptions, signal: AbortSignal, onStarted: (parts: Started) => void): Promise<Running> {
  const { client, informers, runtime, clock, log, nodeName, nodeIps, directories, clusterDns, clusterDomain, settings = defaultSettings } = options
  const events = createEventRecorder({ client, component: 'kubelet', host: nodeName, clock, log })
  const recorder = createRecorder(events, nodeName)
  await Promise.all([directories.root, directories.podLogs].map((directory) => mkdir(directory, { recursive: true, mode: 0o755 })))
  const podInformer = informers.informer(podsRef, { fieldSelector: `spec.nodeName=${nodeName}` })
  const serviceInformer = informers.informer(servicesRef)
  const [info, machine, view] = await Promise.all([runtime.info(), readMachine(directories.root), openRuntimeView({ runtime, clock, log })])
  const cgroups = createCgroups({
    driver: options.cgroupDriver ?? info.cgroupDriver, root: options.cgroupRoot ?? cgroupRoot, parent: options.cgroupParent,
    memoryLimitBytes: settings.reserved.memory && machine.memoryBytes - settings.reserved.memory,
  })
  await cgroups.ensureRoots().catch((error: Error) => log.warn('cgroups not prepared', { error }))
  let pods: Pods | undefined

  const identity = {
    name: nodeName, ips: nodeIps, hostname: options.hostname ?? nodeName, labels: options.nodeLabels ?? {}, taints: options.nodeTaints ?? [],
    settings, port: options.port, version: options.version,
  }
  const volumesRoot = join(directories.root, 'pods')
  let collector: Collector | undefined
  const pressure = () => collector?.conditions() ?? []
  const nodeAgent = await startNodeAgent({ client, runtime, clock, log, recorder, identity, machine, pressure })
  const nodeInformer = informers.informer(nodes, { fieldSelector: `metadata.name=${nodeName}` })
  const currentNode = () => nodeInformer.get(nodeName) ?? nodeAgent.node()
  const unsubscribe = nodeInformer.onChange((_before, now) => now && nodeAgent.seen(now))
  const heartbeat = startHeartbeat({ client, clock, log, nodeName, node: currentNode })
  const allocatable = () => currentNode()?.status?.allocatable ?? {}

  const watched = createWatchedObjects({ client, clock, log })
  const images = createImages({ runtime, clock, recorder, parallelPulls: 3 })
  const volumes = await openVolumes({
    client, watched, images, mounter: options.mounter ?? systemMounter, clock, log, hostIps: nodeIps, imageVolumes: info.features.imageVolumes,
    root: volumesRoot, memoryRoot: join(directories.root, 'memory'), allocatable,
    podIps: (uid) => view.observe(uid).sandboxes[0]?.ips ?? [],
    onRetry: (uid) => pods?.find(uid)?.retryNow('prepare-volumes'),
  })
  const statuses = createStatusWriter({ client, clock, log, onWritten: (uid) => pods?.find(uid)?.wake() })
  const probes = createProbes({ runtime, clock, recorder, hostIps: nodeIps, random: options.random ?? Math.random })
  const services: PodServices = {
    client, runtime, view, images, volumes, cgroups, recorder, clock, log, directories, hostIps: nodeIps, clusterDns, clusterDomain, allocatable,
    sandboxSlots: createSlots(slotsPerCpu * machine.cpus, options.networkReady), startSlots: createSlots(slotsPerCpu * machine.cpus, options.servicesReady),
    runtimeName: info.name, recursiveReadOnly: info.features.recursiveReadOnlyMounts, memoryCapacityBytes: machine.memoryBytes,
    hostDns: async () => parseResolvConf(await readFile(options.resolvConf ?? '/etc/resolv.conf', 'utf8').catch(() => '')),
    services: () => (serviceInformer.synced ? serviceInformer.list() : undefined),
    runtimeClass: (name) => client.resource(runtimeclasses).get(name).catch(ignoreNotFound),
  }
  await Promise.all([podInformer.whenSynced(signal), serviceInformer.whenSynced(signal)])
  pods = startPods({ informer: podInformer, services, statuses, probes, admission: () => ({ node: currentNode(), pressure: pressure() }) })
  collector = startCollector({
    settings, runtime, view, cgroups, clock, log, recorder, directories, volumesRoot, pods, onPressure: nodeAgent.refresh, holdsVolumes: (uid) => volumes.of(uid) !== undefined,
  })
  onStarted({
    pods, view, nodeAgent,
    async endPods() {
      for (const part of [collector!, probes, pods!]) part.stop()
      await endPods(services, pods!.all().map((worker) => worker.pod()))
    },
  })
  void pods.removeOrphans().catch((error: Error) => log.warn('orphans not removed', { error }))

  return {
    failed: new Promise(() => {}),
    async stop() {
      unsubscribe()
      for (const part of [heartbeat, nodeAgent, collector!, probes, pods!, volumes, watched, view]) part.stop()
      await Promise.all([statuses.flush(), events.flush()])
      statuses.stop()
    },
  }
}
