import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { asAgentPod } from '../pod/types.ts'
import { createCgroups } from './cgroups.ts'
import { containerResources } from './linux-resources.ts'

const roots: string[] = []
afterEach(() => roots.splice(0).forEach((root) => rmSync(root, { recursive: true })))

/** As the kernel shows it, empty files for those that mk8s writes. */
function hierarchy(version: 1 | 2) {
  const root = mkdtempSync(join(tmpdir(), 'mk8s-cgroups-'))
  roots.push(root)
  const tree = version === 2 ? root : join(root, 'cpu')
  if (version === 2) writeFileSync(join(root, 'cgroup.controllers'), 'cpu memory')
  const file = version === 2 ? 'cpu.weight' : 'cpu.shares'
  const add = (folder: string) => (mkdirSync(join(tree, folder), { recursive: true }), writeFileSync(join(tree, folder, file), '100'))
  return { root, add, weight: (folder: string) => Number(readFileSync(join(tree, folder, file), 'utf8')) }
}

const podOf = (uid: string, cpu: string) => asAgentPod({
  metadata: { name: uid, namespace: 'default', uid }, status: {}, spec: { containers: [{ name: 'c', resources: { requests: { cpu, memory: '1Mi' } } }] },
} as never)

describe.each([
  { version: 2 as const, pod: 20, both: 59 },
  { version: 1 as const, pod: 512, both: 1536 },
])('cgroups of version $version', ({ version, pod, both }) => {
  it('give the class of burstable pods the weight of its pods together', async () => {
    const { root, add, weight } = hierarchy(version)
    for (const folder of ['kubepods/burstable/poda', 'kubepods/burstable/podb', 'kubepods/burstable', 'kubepods/besteffort']) add(folder)
    writeFileSync(join(root, version === 2 ? '' : 'cpu', 'kubepods/burstable/podb', version === 2 ? 'cpu.weight' : 'cpu.shares'), '0')
    const cgroups = createCgroups({ driver: 'cgroupfs', root })
    await cgroups.ensureRoots()
    await cgroups.ensurePod(podOf('a', '500m'))
    expect(weight('kubepods/burstable')).toBe(pod)
    await cgroups.ensurePod(podOf('b', '1'))
    expect([weight('kubepods/burstable'), weight('kubepods/besteffort')]).toEqual([both, version === 2 ? 1 : 2])
  })

  it('end a container as a whole when memory is short, where the kernel can', () => {
    const { unified } = createCgroups({ driver: 'cgroupfs', root: hierarchy(version).root })
    const pod = podOf('a', '1')
    expect(containerResources(pod, pod.spec.containers[0]!, { memoryCapacityBytes: 1e9, unified }).unified).toEqual(version === 2 ? { 'memory.oom.group': '1' } : undefined)
  })
})
