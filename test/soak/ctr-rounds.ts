// mk8s is killed at random moments while pods are created and deleted on a containerd without CRI (--runtime-driver ctr); in the end nothing is left of them.
//
//     node test/soak/ctr-rounds.ts [ROUNDS]      after scripts/build, as root
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import { writeBusyboxImage } from '../../scripts/busybox-image.mjs'
import { binary, Box } from '../e2e/box.ts'
import { ForeignContainerd, nothing } from '../e2e/foreign-containerd.ts'
import { image, pod } from '../e2e/workbench.ts'

const rounds = Number(process.argv[2] ?? 50)
const box = new Box()
const containerd = new ForeignContainerd(box)
const names = (round: number) => [1, 2, 3].map((n) => `r${round}-${n}`)
const hostPort = (round: number) => ({ ports: [{ containerPort: 80, hostPort: 9000 + (round % 500) }] })

try {
  await box.open()
  await containerd.start()
  box.flags = [...box.flags, '--runtime-driver', 'ctr', '--container-runtime-endpoint', containerd.socket]
  await box.start()
  writeBusyboxImage(join(box.directory, 'busybox.tar'), image)
  await box.inside(binary, ['images', 'import', '--data-dir', box.dataDir, join(box.directory, 'busybox.tar')])
  const since = performance.now()
  for (let round = 0; round < rounds; round++) {
    await box.apply({ apiVersion: 'v1', kind: 'List', items: names(round).map((name, n) => pod({ name, container: n === 0 ? hostPort(round) : {} })) })
    if (round > 0) await box.k(['delete', 'pod', ...names(round - 1), '--wait=false', '--now'])
    await sleep(Math.random() * 1500)
    await box.signal('SIGKILL')
    await box.start()
  }
  await box.k(['wait', 'pod', ...names(rounds - 1), '--for=condition=Ready', '--timeout=120s'])
  await box.k(['delete', 'pod', '--all', '--now', '--timeout=120s'])
  const left = await containerd.settled()
  console.log(`${rounds} rounds in ${Math.round((performance.now() - since) / 1000)} s: ${isDeepStrictEqual(left, nothing) ? 'nothing is left' : `left are ${JSON.stringify(left)}`}`)
  process.exitCode = isDeepStrictEqual(left, nothing) ? 0 : 1
} finally {
  await box.tryInside(binary, ['killall', '--data-dir', box.dataDir])
  await containerd.close()
  await box.close()
}
