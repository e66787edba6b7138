// A box whose back-up is restored on another machine, with another address and name: the node and its pods are there again, as after a reboot.
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, expect, test, vi } from 'vitest'
import { writeBusyboxImage } from '../../scripts/busybox-image.mjs'
import { binary, Box, eventually, must } from './box.ts'
import { image, openWorkbench, template, Workbench } from './workbench.ts'

vi.setConfig({ testTimeout: 180_000 })
const [here, there] = [new Box(), new Box()]
afterAll(() => Promise.all([here.close(), there.close()]), 60_000)
const place = (box: Box) => ['--data-dir', box.dataDir, '--config', join(box.directory, 'config.yaml'), '--private-registry', join(box.directory, 'registries.yaml')]

test('pods run again under their names, on the same node at its new address', async () => {
  const bench = await openWorkbench(here)
  await bench.start({ name: 'alone' })
  await here.apply({ apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'web' }, spec: { replicas: 1, selector: { matchLabels: { app: 'web' } }, template: template({ app: 'web' }, 'sleep infinity') } })
  await here.k(['rollout', 'status', 'deployment/web', '--timeout=60s'])
  const before = await here.k(['get', 'pods', '-o', 'name'])
  const archive = join(here.directory, 'box.mk8s')
  await must(binary, ['backup', ...place(here), archive])
  await here.signal('SIGTERM')

  await there.open()
  await there.inside('sh', ['-c', 'ip address delete 192.0.2.10/24 dev eth0 && ip address add 192.0.2.77/24 dev eth0 && ip route add default via 192.0.2.1 dev eth0'])
  there.flags = there.flags.filter((flag, i, all) => flag !== '--node-name' && all[i - 1] !== '--node-name')
  await must(binary, ['restore', ...place(there), archive])
  mkdirSync(join(there.dataDir, 'agent/images'), { recursive: true })
  writeBusyboxImage(join(there.dataDir, 'agent/images/busybox.tar'), image)
  await there.start()
  const moved = new Workbench(there)
  await eventually('the pods are ready at the new address', async () => {
    const states = await there.k(['get', 'pods', '-o', 'jsonpath={range .items[*]}{.status.conditions[?(@.type=="Ready")].status} {.status.hostIP} {.spec.nodeName}{"\\n"}{end}'])
    return states.trim() === 'True 192.0.2.77 box\nTrue 192.0.2.77 box'
  }, 90)
  expect(await there.k(['get', 'pods', '-o', 'name'])).toBe(before)
  expect(await there.k(['get', 'nodes', '-o', 'name'])).toBe('node/box\n')
  expect(await moved.exec('alone', 'echo works')).toBe('works\n')
})
