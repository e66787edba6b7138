// The cluster DNS answers all along: whatever ends mk8s, its replacement by another version, and shortly after its own death.
import { existsSync } from 'node:fs'
import { setTimeout as wait } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { binary, eventually } from './box.ts'
import { Machine } from './machine.ts'
import { writeOtherBuild } from './other-build.ts'
import { networkOf, startQueries } from './loops.ts'
import { openWorkbench, type Workbench } from './workbench.ts'

vi.setConfig({ testTimeout: 120_000 })
const machine = new Machine()
const clusterDns = '10.43.0.10'
let bench: Workbench
let network: readonly [string, ...string[]]

beforeAll(async () => {
  bench = await openWorkbench(machine)
  await bench.start({ name: 'asker' })
  await machine.apply(service('steady', '10.43.0.77'))
  network = await networkOf(machine, await bench.get('pod', 'asker', '.status.podIP'))
}, 180_000)
afterAll(() => machine.close(), 60_000)

const service = (name: string, clusterIP: string) => ({ apiVersion: 'v1', kind: 'Service', metadata: { name }, spec: { clusterIP, ports: [{ port: 80 }] } })
const queries = (name = 'steady', ...addresses: string[]) => startQueries(network, clusterDns, `${name}.default.svc.cluster.local`, ...(addresses.length > 0 ? addresses : ['10.43.0.77']))

async function ask(name: string, ...addresses: string[]) {
  const loop = queries(name, ...(addresses.length > 0 ? addresses : ['10.43.0.78', '10.43.0.79']))
  await loop.begun
  await wait(600)
  return loop.stop()
}

/** Pids of DNS processes, as the machine sees them. */
const dnsProcesses = async () => (await machine.inside('sh', ['-c', `for p in /proc/[0-9]*; do tr '\\0' ' ' <$p/cmdline 2>/dev/null | grep -q '^mk8s dns ' && basename $p; done; true`])).split('\n').filter(Boolean)

async function during(what: string, happen: () => Promise<void>) {
  const loop = queries()
  await loop.begun
  await wait(1000)
  const begun = Date.now()
  await happen()
  const took = Date.now() - begun
  await wait(500)
  const seen = await loop.stop()
  console.log(`DNS while ${what} (${took} ms): ${seen.udp} UDP and ${seen.tcp} TCP answers, ${seen.failures.length} failures, slowest ${seen.slowest.toFixed(0)} ms`)
  return seen
}

const replaced = (pid: string) => eventually('another one runs', async () => {
  const now = await dnsProcesses()
  return now.length === 1 && now[0] !== pid
})

/** In milliseconds. */
function gapOf({ failures }: Awaited<ReturnType<typeof during>>): number {
  const times = failures.map(({ at }) => at)
  const gap = times.length === 0 ? 0 : Math.max(...times) - Math.min(...times) + 20
  console.log(`  gap ${gap} ms`)
  return gap
}

test('no question goes unanswered while mk8s restarts, is killed, stays away and is replaced by another version', async () => {
  const before = await dnsProcesses()
  expect(before).toHaveLength(1)
  expect((await during('mk8s restarts', async () => {
    await machine.signal('SIGTERM')
    await machine.start()
  })).failures).toEqual([])
  expect((await during('mk8s is killed and stays away', async () => {
    await machine.signal('SIGKILL')
    await wait(5000)
    await machine.start()
  })).failures).toEqual([])
  expect(await dnsProcesses()).toEqual(before)
  const { outside, inside } = machine.shared('mk8s-next')
  writeOtherBuild(binary, outside, '2031')
  expect((await during('mk8s is upgraded', async () => {
    await machine.signal('SIGTERM')
    await machine.inside('install', ['-m', '755', inside, '/usr/local/bin/mk8s.new'])
    await machine.inside('mv', ['/usr/local/bin/mk8s.new', '/usr/local/bin/mk8s'])
    await machine.start()
    await eventually('the old DNS process has left', async () => (await dnsProcesses()).length === 1)
  })).failures).toEqual([])
  expect(await machine.k(['version', '-o', 'json'])).toContain('"buildDate": "2031-')
  expect(await dnsProcesses()).not.toEqual(before)
})

test('what changes right before and after the process is fed again is answered', async () => {
  await machine.apply(service('changing', '10.43.0.78'))
  const old = await ask('changing')
  expect(old.answers).toEqual({ '10.43.0.78': expect.any(Number) })
  await machine.signal('SIGKILL')
  expect((await ask('changing')).failures).toEqual([])
  await machine.startApi()
  await machine.k(['delete', 'service', 'changing'])
  await machine.apply(service('changing', '10.43.0.79'))
  const seen = await eventually('the new record is there', async () => {
    const found = await ask('changing')
    return found.answers['10.43.0.79'] ? found : undefined
  })
  expect(seen.answers['10.43.0.78']).toBeUndefined()
})

test('when the DNS process is killed another one answers at once, also when mk8s runs from a file that was replaced', async () => {
  const [pid] = await dnsProcesses()
  await machine.inside('sh', ['-c', 'cp /usr/local/bin/mk8s /usr/local/bin/mk8s.new && mv /usr/local/bin/mk8s.new /usr/local/bin/mk8s'])
  const seen = await during('its process is killed', async () => {
    await machine.inside('kill', ['-KILL', pid!])
    await replaced(pid!)
    await wait(1000)
  })
  expect(gapOf(seen)).toBeLessThan(3000)
})

test('a DNS process that hangs is replaced, also one that an earlier run has left', async () => {
  const [pid] = await dnsProcesses()
  const seen = await during('its process hangs', async () => {
    await machine.inside('kill', ['-STOP', pid!])
    await replaced(pid!)
    await wait(1000)
  })
  expect(gapOf(seen)).toBeLessThan(40_000)
  const [next] = await dnsProcesses()
  await machine.signal('SIGKILL')
  await machine.inside('kill', ['-STOP', next!])
  await machine.start()
  await replaced(next!)
  expect((await ask('steady', '10.43.0.77')).failures).toEqual([])
})

test('without the part, and after killall, nothing of it is left', async () => {
  await machine.signal('SIGTERM')
  ;(machine.flags as string[]).push('--disable', 'coredns')
  await machine.start()
  expect(await dnsProcesses()).toEqual([])
  await machine.signal('SIGTERM')
  ;(machine.flags as string[]).splice(-2)
  await machine.start()
  expect(await dnsProcesses()).toHaveLength(1)
  await machine.signal('SIGKILL')
  await machine.inside('mk8s', ['killall'])
  expect(await dnsProcesses()).toEqual([])
  expect(existsSync(`${machine.disk}/run/mk8s/dns`)).toBe(false)
})
