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
