// Figures of the storage engine and the cache: `node bench/storage.ts [fsync delay in ms]`. Prints one line a figure.
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock } from '../src/base/clock.ts'
import { silentLogger } from '../src/base/logger.ts'
import { openCache } from '../src/server/cache/cache.ts'
import type { Cache } from '../src/server/cache/types.ts'
import { startSourceWorker } from '../src/storage-sqlite/source-worker.ts'
import { openSqliteStorage } from '../src/storage-sqlite/sqlite-storage.ts'

const fsyncDelayMilliseconds = Number(process.argv[2] ?? 0)
const directory = mkdtempSync(join(process.env['MK8S_BENCH_DIR'] ?? tmpdir(), 'mk8s-bench-'))
const path = join(directory, 'state.db')
const open = () => openSqliteStorage({ path, startWorker: startSourceWorker, clock: systemClock, log: silentLogger, fsyncDelayMilliseconds })
const print = (name: string, value: string) => console.log(`${name.padEnd(58)} ${value}`)

async function timed(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now()
  await work()
  return performance.now() - start
}

async function each(count: number, workers: number, work: (i: number) => Promise<unknown>): Promise<void> {
  let next = 0
  await Promise.all(Array.from({ length: workers }, async () => {
    for (let i = next++; i < count; i = next++) await work(i)
  }))
}

const quantile = (values: number[], q: number) => values.toSorted((a, b) => a - b)[Math.floor(values.length * q)]!
const object = (name: string, size: number) =>
  Buffer.from(JSON.stringify({ apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace: 'default', labels: { app: 'web' } }, spec: { data: 'x'.repeat(size) } }))

let storage = await open()
let count = fsyncDelayMilliseconds > 0 ? 2_000 : 20_000
for (const workers of [32, 256]) {
  const took = await timed(() => each(count, workers, (i) => storage.create(`bench${workers}/default/${i}`, object(`${i}`, 900))))
  print(`creates of 1 kB, ${workers} writers`, `${Math.round(count / took * 1000)}/s`)
}
const latencies: number[] = []
await each(fsyncDelayMilliseconds > 0 ? 100 : 2000, 1, async (i) => latencies.push(await timed(() => storage.create(`single/default/${i}`, object(`${i}`, 900)))))
print('one writer, p50 / p99', `${quantile(latencies, 0.5).toFixed(3)} / ${quantile(latencies, 0.99).toFixed(3)} ms`)
const lazy = await storage.create('leases/kube-system/a', object('a', 300))
let revision = lazy
const lazyTook = await timed(() => each(2000, 1, async (i) => (revision = await storage.update('leases/kube-system/a', object(`a${i}`, 300), revision, { lazy: true }))))
print('lazy update, one writer, mean', `${(lazyTook / 2000).toFixed(3)} ms`)
await storage.close()
rmSync(path, { force: true })

storage = await open()
await each(10_000, 256, (i) => storage.create(`pods/ns${i % 20}/pod-${i}`, object(`pod-${i}`, 3000)))
await storage.close()
print('database of 10,000 objects of 3 kB', `${(statSync(path).size / 1e6).toFixed(1)} MB`)
let cache!: Cache
const openTook = await timed(async () => (storage = await open()))
const cacheTook = await timed(async () => {
  cache = await openCache({ storage, clock: systemClock, log: silentLogger, collections: [{ prefix: 'pods/', indexOf: (_key, pod) => ({ labels: pod.metadata.labels }) }] })
})
print('start with it: engine + cache', `${openTook.toFixed(0)} + ${cacheTook.toFixed(0)} ms`)
print('list of all, entries only', `${(await timed(() => cache.list({ scope: 'pods/' }))).toFixed(1)} ms`)
print('list of a page of 500 with a selector', `${(await timed(() => cache.list({ scope: 'pods/', limit: 500, selection: (e) => e.index.labels?.['app'] === 'web' }))).toFixed(1)} ms`)

const watchers = 1000
const changes = fsyncDelayMilliseconds > 0 ? 50 : 400
let delivered = 0
let bytes = 0
const ended = new AbortController()
const encode = (event: { type: string }) => Buffer.from(`{"type":"${event.type}"}\n`)
const watching = Array.from({ length: watchers }, async () => {
  for await (const batch of cache.watch({ scope: 'pods/', resourceVersion: String(cache.revision), signal: ended.signal })) {
    bytes += batch.served('v1', encode).length
    if ((delivered += batch.events.length) === watchers * changes) ended.abort()
  }
})
const watchTook = await timed(async () => {
  await each(changes, 8, (i) => {
    const entry = cache.get(`pods/ns${i % 20}/pod-${i}`)!
    return cache.update(entry.key, { value: object(`changed-${i}`, 3000) }, entry.revision)
  })
  await Promise.all(watching)
})
print(`events to ${watchers} watchers`, `${Math.round(delivered / watchTook * 1000)}/s (${bytes} bytes)`)
cache.stop()
await storage.close()
rmSync(directory, { recursive: true })
