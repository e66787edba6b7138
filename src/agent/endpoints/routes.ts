// The kubelet's paths. `{name}` is one segment, `{rest*}` all that follow.
import { serveAttach, serveExec, serveForward, serveRun } from './commands.ts'
import { serveContainerLogs } from './container-logs.ts'
import { prometheusType, serveResourceMetrics, serveSummary } from './stats.ts'
import { serveSystemLogs } from './system-logs.ts'
import type { PlainCall, UpgradeCall } from './types.ts'

type Route = { pattern: string; methods: readonly string[] } & ({ serve(call: PlainCall): Promise<void> | void } | { upgrade(call: UpgradeCall): Promise<void> })

const reading = ['GET', 'HEAD']
const either = ['GET', 'POST']

const routes: readonly Route[] = [
  { pattern: '/healthz', methods: reading, serve: ({ response }) => sendText(response, 'ok') },
  { pattern: '/healthz/{check}', methods: reading, serve: ({ response }) => sendText(response, 'ok') },
  { pattern: '/pods', methods: reading, serve: ({ response, context }) => sendJson(response, { kind: 'PodList', apiVersion: 'v1', metadata: {}, items: context.pods.pods() }) },
  { pattern: '/runningpods', methods: reading, serve: serveRunningPods },
  { pattern: '/configz', methods: reading, serve: ({ response, context }) => sendJson(response, { kubeletconfig: context.configuration() }) },
  { pattern: '/metrics', methods: reading, serve: serveMetrics },
  { pattern: '/metrics/resource', methods: reading, serve: serveResourceMetrics },
  { pattern: '/stats/summary', methods: either, serve: serveSummary },
  { pattern: '/logs', methods: reading, serve: serveSystemLogs },
  { pattern: '/logs/{rest*}', methods: reading, serve: serveSystemLogs },
  { pattern: '/containerLogs/{namespace}/{pod}/{container}', methods: reading, serve: serveContainerLogs },
  { pattern: '/run/{namespace}/{pod}/{container}', methods: ['POST'], serve: serveRun },
  { pattern: '/run/{namespace}/{pod}/{uid}/{container}', methods: ['POST'], serve: serveRun },
  { pattern: '/exec/{namespace}/{pod}/{container}', methods: either, upgrade: serveExec },
  { pattern: '/exec/{namespace}/{pod}/{uid}/{container}', methods: either, upgrade: serveExec },
  { pattern: '/attach/{namespace}/{pod}/{container}', methods: either, upgrade: serveAttach },
  { pattern: '/attach/{namespace}/{pod}/{uid}/{container}', methods: either, upgrade: serveAttach },
  { pattern: '/portForward/{namespace}/{pod}', methods: either, upgrade: serveForward },
  { pattern: '/portForward/{namespace}/{pod}/{uid}', methods: either, upgrade: serveForward },
]

export function matchRoute(path: string): { route: Route; params: Record<string, string> } | undefined {
  for (const route of routes) {
    const params = matchPattern(route.pattern, path)
    if (params) return { route, params }
  }
  return undefined
}

/** A slash at the end makes no difference. */
export function matchPattern(pattern: string, path: string): Record<string, string> | undefined {
  const [wanted, given] = [segments(pattern), segments(path)]
  const params: Record<string, string> = {}
  for (const [i, segment] of wanted.entries()) {
    const rest = /^\{(\w+)\*\}$/.exec(segment)?.[1]
    if (rest) return { ...params, [rest]: given.slice(i).map(decode).join('/') }
    const name = /^\{(\w+)\}$/.exec(segment)?.[1]
    if (given[i] === undefined || (!name && given[i] !== segment)) return undefined
    if (name) params[name] = decode(given[i])
  }
  return given.length === wanted.length ? params : undefined
}

const segments = (path: string) => path.split('/').filter((segment) => segment !== '')

function decode(segment: string): string {
  try {
    return decodeURIComponent(segment)
  } catch {
    return segment
  }
}

async function serveRunningPods({ response, context }: PlainCall): Promise<void> {
  const [sandboxes, containers] = await Promise.all([context.runtime.listSandboxes(), context.runtime.listContainers()])
  const items = sandboxes.filter(({ ready }) => ready).map(({ id, name, namespace, uid }) => ({
    metadata: { name, namespace, uid },
    spec: { containers: containers.filter(({ sandboxId, state }) => sandboxId === id && state === 'running').map((container) => ({ name: container.name, image: container.image, resources: {} })) },
    status: {},
  }))
  sendJson(response, { kind: 'PodList', apiVersion: 'v1', metadata: {}, items })
}

function serveMetrics({ response, context }: PlainCall): void {
  const { rss } = process.memoryUsage()
  const { user, system } = process.cpuUsage()
  const own = [
    '# HELP process_cpu_seconds_total Total user and system CPU time spent in seconds.', '# TYPE process_cpu_seconds_total counter', `process_cpu_seconds_total ${(user + system) / 1e6}`,
    '# HELP process_resident_memory_bytes Resident memory size in bytes.', '# TYPE process_resident_memory_bytes gauge', `process_resident_memory_bytes ${rss}`, '',
  ].join('\n')
  response.writeHead(200, { 'Content-Type': prometheusType }).end(own + (context.metrics?.() ?? ''))
}

const sendText = (response: PlainCall['response'], text: string) => void response.writeHead(200, { 'Content-Type': 'text/plain; charset=utf-8' }).end(text)
const sendJson = (response: PlainCall['response'], value: unknown) => void response.writeHead(200, { 'Content-Type': 'application/json' }).end(JSON.stringify(value))
