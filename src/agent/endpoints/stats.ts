// GET /stats/summary and /metrics/resource (source: k8s.io/kubelet/pkg/apis/stats/v1alpha1, k8s.io/kubernetes/pkg/kubelet/metrics/collectors).
import type { Pod } from '../../api/generated/types.ts'
import { rfc3339 } from '../../base/clock.ts'
import type { ContainerStats } from '../../runtime/container-runtime.ts'
import { readFilesystem, readNetworkOf, readNodeUsage, type NetworkFigures } from './node-usage.ts'
import { containerIdOf } from './pod-containers.ts'
import type { EndpointContext, PlainCall } from './types.ts'

interface Measured {
  stats: ContainerStats
  startedAt: string | undefined
}

interface MeasuredPod {
  pod: Pod
  containers: Measured[]
}

export async function serveSummary({ response, context, query }: PlainCall): Promise<void> {
  const onlyCpuAndMemory = query.get('only_cpu_and_memory') === 'true'
  const [pods, node, root, images] = await Promise.all([measurePods(context), readNodeUsage(), readFilesystem('/'), context.runtime.imageFilesystem()])
  const now = rfc3339(context.clock.now())
  const imageUse = await readFilesystem(images.mountpoint || '/').catch(() => root)
  const summary = {
    node: {
      nodeName: context.nodeName, startTime: rfc3339(context.clock.now() - process.uptime() * 1000),
      cpu: { time: now, usageCoreNanoSeconds: node.cpuNanoseconds },
      memory: { time: now, availableBytes: node.memoryAvailableBytes, usageBytes: node.memoryUsageBytes, workingSetBytes: node.memoryWorkingSetBytes },
      ...(onlyCpuAndMemory ? {} : {
        network: networkOf(now, node.network), fs: { time: now, ...root },
        runtime: { imageFs: { time: now, ...imageUse, usedBytes: images.usedBytes, inodesUsed: images.inodesUsed } }, rlimit: { time: now, curproc: node.processes },
      }),
    },
    pods: await Promise.all(pods.map(async (measured) => summaryOf(measured, onlyCpuAndMemory ? undefined : await networkOfPod(context, measured.pod), now))),
  }
  response.writeHead(200, { 'Content-Type': 'application/json' }).end(JSON.stringify(summary))
}

function summaryOf({ pod, containers }: MeasuredPod, network: NetworkFigures[] | undefined, now: string) {
  const sum = (pick: (stats: ContainerStats) => number) => containers.reduce((total, { stats }) => total + pick(stats), 0)
  const [cpu, workingSet, usage, disk] = [sum((s) => s.cpuNanoseconds), sum((s) => s.memoryWorkingSetBytes), sum((s) => s.memoryUsageBytes), sum((s) => s.writableLayerBytes)]
  return {
    podRef: { name: pod.metadata?.name, namespace: pod.metadata?.namespace, uid: pod.metadata?.uid }, startTime: pod.status?.startTime,
    containers: containers.map(({ stats, startedAt }) => ({
      name: stats.name, startTime: startedAt, cpu: { time: now, usageCoreNanoSeconds: stats.cpuNanoseconds },
      memory: { time: now, usageBytes: stats.memoryUsageBytes, workingSetBytes: stats.memoryWorkingSetBytes },
      ...(network ? { rootfs: { time: now, usedBytes: stats.writableLayerBytes, inodesUsed: stats.writableLayerInodes } } : {}),
    })),
    cpu: { time: now, usageCoreNanoSeconds: cpu }, memory: { time: now, usageBytes: usage, workingSetBytes: workingSet },
    ...(network ? { network: networkOf(now, network), 'ephemeral-storage': { time: now, usedBytes: disk } } : {}),
  }
}

const networkOf = (time: string, interfaces: NetworkFigures[]) => ({ time, ...interfaces[0], interfaces })

async function networkOfPod({ pods, runtime }: EndpointContext, pod: Pod): Promise<NetworkFigures[]> {
  const id = pod.spec?.hostNetwork ? undefined : pods.sandboxId(pod.metadata?.namespace ?? '', pod.metadata?.name ?? '')
  const pid = id ? await runtime.sandboxProcess(id).catch(() => undefined) : undefined
  return pid ? readNetworkOf(pid) : []
}

async function measurePods({ pods, runtime }: EndpointContext): Promise<MeasuredPod[]> {
  const byId = new Map((await runtime.containerStats()).map((stats) => [stats.containerId, stats]))
  return pods.pods().flatMap((pod) => {
    const running = [...(pod.status?.containerStatuses ?? []), ...(pod.status?.initContainerStatuses ?? []), ...(pod.status?.ephemeralContainerStatuses ?? [])]
    const containers = running.flatMap(({ name, containerID, state }) => {
      const stats = byId.get(containerIdOf(containerID ?? ''))
      return stats && state?.running ? [{ stats: { ...stats, name }, startedAt: state.running.startedAt }] : []
    })
    return containers.length > 0 ? [{ pod, containers }] : []
  })
}

export async function serveResourceMetrics({ response, context }: PlainCall): Promise<void> {
  const [pods, node] = await Promise.all([measurePods(context), readNodeUsage()])
  response.writeHead(200, { 'Content-Type': prometheusType }).end(renderResourceMetrics(pods, node, context.clock.now()))
}

export const prometheusType = 'text/plain; version=0.0.4; charset=utf-8'

type Sample = [labels: Record<string, string>, value: number]

function renderResourceMetrics(pods: MeasuredPod[], node: { cpuNanoseconds: number; memoryWorkingSetBytes: number }, now: number): string {
  const labelsOf = ({ metadata }: Pod) => ({ namespace: metadata?.namespace ?? '', pod: metadata?.name ?? '' })
  const each = (value: (measured: Measured) => number): Sample[] =>
    pods.flatMap(({ pod, containers }) => containers.map((measured): Sample => [{ container: measured.stats.name, ...labelsOf(pod) }, value(measured)]))
  const whole = (value: (stats: ContainerStats) => number): Sample[] => pods.map(({ pod, containers }) => [labelsOf(pod), containers.reduce((sum, { stats }) => sum + value(stats), 0)])
  const seconds = (nanoseconds: number) => nanoseconds / 1e9
  return [
    family('container_cpu_usage_seconds_total', 'counter', 'Cumulative cpu time consumed by the container in core-seconds', each(({ stats }) => seconds(stats.cpuNanoseconds)), now),
    family('container_memory_working_set_bytes', 'gauge', 'Current working set of the container in bytes', each(({ stats }) => stats.memoryWorkingSetBytes), now),
    family('container_start_time_seconds', 'gauge', 'Start time of the container since unix epoch in seconds', each(({ startedAt }) => Date.parse(startedAt ?? '') / 1000 || 0)),
    family('node_cpu_usage_seconds_total', 'counter', 'Cumulative cpu time consumed by the node in core-seconds', [[{}, seconds(node.cpuNanoseconds)]], now),
    family('node_memory_working_set_bytes', 'gauge', 'Current working set of the node in bytes', [[{}, node.memoryWorkingSetBytes]], now),
    family('pod_cpu_usage_seconds_total', 'counter', 'Cumulative cpu time consumed by the pod in core-seconds', whole((stats) => seconds(stats.cpuNanoseconds)), now),
    family('pod_memory_working_set_bytes', 'gauge', 'Current working set of the pod in bytes', whole((stats) => stats.memoryWorkingSetBytes), now),
    family('resource_scrape_error', 'gauge', '1 if there was an error while getting container metrics, 0 otherwise', [[{}, 0]]),
  ].join('')
}

function family(name: string, type: 'counter' | 'gauge', help: string, samples: Sample[], time?: number): string {
  if (samples.length === 0) return ''
  const lines = samples.map(([labels, value]) => {
    const words = Object.entries(labels).map(([key, text]) => `${key}=${JSON.stringify(text)}`).join(',')
    return `${name}${words ? `{${words}}` : ''} ${value}${time === undefined ? '' : ` ${time}`}\n`
  })
  return `# HELP ${name} [STABLE] ${help}\n# TYPE ${name} ${type}\n${lines.join('')}`
}
