// Counts and times of requests, in Prometheus' text format, under upstream's names.
import { performance } from 'node:perf_hooks'
import type { Clock } from '../base/clock.ts'

const bounds = [0.005, 0.025, 0.1, 0.5, 1, 2, 5, 10, 30, 60]

interface Series {
  count: number
  sum: number
  buckets: number[]
}

export interface Metrics {
  observe(request: { verb: string; group: string; resource: string; subresource: string; code: number; seconds: number }): void
  render(): string
}

export function createMetrics(clock: Clock): Metrics {
  const counts = new Map<string, number>()
  const durations = new Map<string, Series>()
  const startedAt = clock.now() / 1000
  return {
    observe({ verb, group, resource, subresource, code, seconds }) {
      const labels = `group="${group}",resource="${resource}",subresource="${subresource}",verb="${verb.toUpperCase()}"`
      const counted = `code="${code}",${labels}`
      counts.set(counted, (counts.get(counted) ?? 0) + 1)
      if (verb === 'watch') return
      let series = durations.get(labels)
      if (!series) durations.set(labels, (series = { count: 0, sum: 0, buckets: bounds.map(() => 0) }))
      series.count++
      series.sum += seconds
      const bucket = bounds.findIndex((bound) => seconds <= bound)
      if (bucket >= 0) series.buckets[bucket]!++
    },
    render() {
      return [...renderCounts(counts), ...renderDurations(durations), ...renderProcess(startedAt)].join('\n') + '\n'
    },
  }
}

const head = (name: string, type: string, help: string) => [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`]

const renderCounts = (counts: ReadonlyMap<string, number>) => [
  ...head('apiserver_request_total', 'counter', 'Requests by verb, resource and answer.'),
  ...Array.from(counts, ([labels, count]) => `apiserver_request_total{${labels}} ${count}`),
]

const renderDurations = (durations: ReadonlyMap<string, Series>) => [
  ...head('apiserver_request_duration_seconds', 'histogram', 'Time from a request to its answer.'),
  ...Array.from(durations).flatMap(([labels, { count, sum, buckets }]) => {
    let below = 0
    return [
      ...bounds.map((bound, i) => `apiserver_request_duration_seconds_bucket{${labels},le="${bound}"} ${(below += buckets[i]!)}`),
      `apiserver_request_duration_seconds_bucket{${labels},le="+Inf"} ${count}`,
      `apiserver_request_duration_seconds_sum{${labels}} ${sum}`,
      `apiserver_request_duration_seconds_count{${labels}} ${count}`,
    ]
  }),
]

function renderProcess(startedAt: number): string[] {
  const { user, system } = process.cpuUsage()
  const gauge = (name: string, help: string, value: number) => [...head(name, 'gauge', help), `${name} ${value}`]
  return [
    ...head('process_cpu_seconds_total', 'counter', 'Processor time of the process.'), `process_cpu_seconds_total ${(user + system) / 1e6}`,
    ...gauge('process_resident_memory_bytes', 'Resident memory of the process.', process.memoryUsage.rss()),
    ...gauge('process_start_time_seconds', 'Start of the process, in seconds since 1970.', startedAt),
    ...gauge('nodejs_eventloop_utilization', 'Part of the time since the start in which the event loop was busy.', performance.eventLoopUtilization().utilization),
  ]
}
