// A disk whose syncs take 20 ms longer (an SD card), made by delaying the storage thread's system calls: under concurrent writes nothing is lost and no probe fails.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Box, eventually } from './box.ts'
import { openWorkbench, pod, shell, type Workbench } from './workbench.ts'

const box = new Box()
let bench: Workbench
beforeAll(async () => void (bench = await openWorkbench(box)), 180_000)
afterAll(() => box.close(), 60_000)

const storageThread = () => {
  const tasks = `/proc/${box.pid}/task`
  const workers = readdirSync(tasks).filter((task) => readFileSync(join(tasks, task, 'comm'), 'utf8') === 'WorkerThread\n')
  expect(workers).toHaveLength(1)
  return workers[0]!
}

/** @returns what ends it, with how many syncs were slow. */
async function slowSyncs(): Promise<() => Promise<number>> {
  const trace = join(box.directory, 'syncs')
  const child = spawn('strace', ['-p', storageThread(), '-o', trace, '-e', 'trace=fsync,fdatasync', '-e', 'inject=fsync,fdatasync:delay_exit=20000'], { stdio: ['ignore', 'ignore', 'pipe'] })
  await eventually('strace is attached', async () => readFileSync(`/proc/${box.pid}/task/${storageThread()}/status`, 'utf8').includes(`TracerPid:\t${child.pid}`))
  return async () => {
    const exit = once(child, 'exit')
    child.kill('SIGINT')
    await exit
    return readFileSync(trace, 'utf8').split('\n').filter((line) => line.includes('(DELAYED)')).length
  }
}

const probed = (name: string) => pod({
  name, labels: { of: 'test' }, command: shell('httpd -f -p 8080 -h /etc'),
  container: {
    readinessProbe: { httpGet: { path: '/passwd', port: 8080 }, periodSeconds: 1, timeoutSeconds: 3 },
    livenessProbe: { exec: { command: ['true'] }, periodSeconds: 1, timeoutSeconds: 3 },
  },
})

const configMaps = (writer: number, count: number) => ({
  apiVersion: 'v1', kind: 'List',
  items: Array.from({ length: count }, (_, i) => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: `w${writer}-${i}`, labels: { of: 'test' } }, data: { text: 'x'.repeat(1000) } })),
})

const unhealthy = () => box.k(['get', 'events', '--field-selector', 'reason=Unhealthy', '-o', 'jsonpath={range .items[*]}{.metadata.name} {.count} {.message}{"\\n"}{end}'])

test('probes pass and every write is there', { timeout: 180_000 }, async () => {
  for (const name of ['one', 'two', 'three']) await box.apply(probed(name))
  for (const name of ['one', 'two', 'three']) await bench.running(name)
  // A container that was asked before it listened.
  const before = await unhealthy()
  const end = await slowSyncs()
  const writers = 4
  const each = 100
  await Promise.all(Array.from({ length: writers }, (_, writer) => box.k(['create', '-f', '-'], { input: JSON.stringify(configMaps(writer, each)) })))
  expect((await box.k(['get', 'configmaps', '-l', 'of=test', '-o', 'name'])).trim().split('\n')).toHaveLength(writers * each)
  await box.k(['delete', '--raw', '/api/v1/namespaces/default/configmaps?labelSelector=of%3Dtest&fieldSelector=metadata.name%21%3Dw0-0'])
  expect(await end()).toBeGreaterThan(each)
  expect((await box.k(['get', 'configmaps', '-l', 'of=test', '-o', 'name'])).trim()).toBe('configmap/w0-0')
  expect(await unhealthy()).toBe(before)
  expect(await box.k(['get', 'pods', '-l', 'of=test', '-o', 'jsonpath={.items[*].status.containerStatuses[*].restartCount}'])).toBe('0 0 0')
})

test('killed under writes: what kubectl was told is there, and a watch from before gets 410', { timeout: 180_000 }, async () => {
  const version = async () => JSON.parse(await box.k(['get', '--raw', '/api/v1/namespaces/default/configmaps?limit=1'])).metadata.resourceVersion as string
  const before = await version()
  await slowSyncs()
  const outputs = Array.from({ length: 4 }, (_, writer) => box.kubectl(['create', '-f', '-'], { input: JSON.stringify(configMaps(10 + writer, 500)) }))
  await eventually('some are written', async () => (await box.k(['get', 'configmaps', '-l', 'of=test', '-o', 'name'])).split('\n').length > 50)
  await box.signal('SIGKILL')
  const told = (await Promise.all(outputs)).flatMap(({ stdout }) => [...stdout.matchAll(/^configmap\/(\S+) created$/gm)].map(([, name]) => `configmap/${name}`))
  expect(told.length).toBeGreaterThan(40)
  expect(told.length).toBeLessThan(2000)
  await box.start()
  const there = (await box.k(['get', 'configmaps', '-l', 'of=test', '-o', 'name'])).split('\n')
  expect(told.filter((name) => !there.includes(name))).toEqual([])
  expect(Number(await version())).toBeGreaterThan(Number(before))
  const watch = await box.k(['get', '--raw', `/api/v1/namespaces/default/configmaps?watch=true&timeoutSeconds=5&resourceVersion=${before}`])
  expect(JSON.parse(watch.split('\n')[0]!)).toMatchObject({ type: 'ERROR', object: { code: 410, reason: 'Expired' } })
})
